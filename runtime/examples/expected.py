#!/usr/bin/env python3
"""expected.py PLAN PROMPT: the header expected.h of an example, what the host's own kernels make of a prompt.

PLAN is compiled for this machine from the same model with the same recipe as the firmware's."""
import argparse
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


def header(llmc, plan, prompt, tokens):
    """A C++ header: a prompt and its ids, the ids that follow greedily, and the FNV-1a of their logits."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        call(llmc, "run", plan, f"--prompt={prompt}", f"--max-tokens={tokens}", f"--stats={folder / 'stats.json'}")
        stats = json.loads((folder / "stats.json").read_text())
        ids, generated = stats["prompt_ids"], stats["generated_ids"]
        rows = logits_of(llmc, plan, ids + generated[:-1], folder)
        digest = fnv(b"".join(rows[len(ids) - 1:]))

    def array(name, ids):
        return f"static const int32_t {name}[] = {{{', '.join(map(str, ids))}}};\n"

    return ("// Made by expected.py.\n#include <stdint.h>\n"
            f"static const char prompt[] = {json.dumps(prompt)};\n"
            + array("promptIds", ids) + array("expectedIds", generated)
            + f"static const uint32_t promptCount = {len(ids)}, expectedCount = {len(generated)};\n"
            + f"static const uint32_t expectedDigest = {digest:#x};\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("plan")
    parser.add_argument("prompt")
    parser.add_argument("--tokens", type=int, default=24, help="to generate (24)")
    parser.add_argument("--llmc", default="llmc", help="the program (llmc)")
    options = parser.parse_args()
    print(header(options.llmc, options.plan, options.prompt, options.tokens), end="")


if __name__ == "__main__":
    main()
