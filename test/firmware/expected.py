"""What the firmware examples must arrive at, by the host's own kernels."""
import json
import subprocess
import tempfile
from pathlib import Path


def call(*arguments):
    result = subprocess.run([str(argument) for argument in arguments], capture_output=True, text=True)
    if result.returncode:
        raise SystemExit(f"failed ({result.returncode}): {' '.join(map(str, arguments))}\n{result.stdout}{result.stderr}")
    return result.stdout


def fnv(data):
    digest = 2166136261
    for byte in data:
        digest = (digest ^ byte) * 16777619 & 0xFFFFFFFF
    return digest


def logits_of(llmc, plan, ids, folder):
    """Rows of logits, one for each id, as bytes."""
    (folder / "ids.json").write_text(json.dumps(ids))
    call(llmc, "eval", plan, f"--ids={folder / 'ids.json'}", f"--logits={folder / 'logits.npy'}")
    content = (folder / "logits.npy").read_bytes()
    rows = content[10 + int.from_bytes(content[8:10], "little"):]
    size = len(rows) // len(ids)
    return [rows[i * size:(i + 1) * size] for i in range(len(ids))]


def header(llmc, plan, case, tokens):
    """A C++ header: a prompt and its ids, the ids that follow greedily, and the FNV-1a of their logits."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        prompt = case["prompt_ids"]
        listed = ",".join(map(str, prompt))
        call(llmc, "run", plan, f"--prompt-ids={listed}", f"--max-tokens={tokens}", f"--stats={folder / 'stats.json'}")
        generated = json.loads((folder / "stats.json").read_text())["generated_ids"]
        rows = logits_of(llmc, plan, prompt + generated[:-1], folder)
        digest = fnv(b"".join(rows[len(prompt) - 1:]))

    def array(name, ids):
        return f"static const int32_t {name}[] = {{{', '.join(map(str, ids))}}};\n"

    return ("// Made by test/firmware.\n#include <stdint.h>\n"
            f"static const char prompt[] = {json.dumps(case['prompt'])};\n"
            + array("promptIds", prompt) + array("expectedIds", generated)
            + f"static const uint32_t promptCount = {len(prompt)}, expectedCount = {len(generated)};\n"
            + f"static const uint32_t expectedDigest = {digest:#x};\n")
