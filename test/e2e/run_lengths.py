"""Runs a plan on prompts of k chunks, one less and one more, whole and one id per call: the same tokens must follow."""
import json
import subprocess
import sys

plan, folder, ids_file = sys.argv[1:]
with open(ids_file, encoding="utf-8") as stream:
    ids = json.load(stream)


def generate(prompt, chunk):
    stats = f"{folder}/stats.json"
    subprocess.run(
        ["llmc", "run", plan, "--prompt-ids=" + ",".join(map(str, prompt)), "--max-tokens=4", f"--chunk={chunk}", f"--stats={stats}"],
        check=True, stdout=subprocess.DEVNULL)
    with open(stats, encoding="utf-8") as stream:
        result = json.load(stream)
    assert result["prefill_tokens"] == len(prompt), result
    return result["generated_ids"]


for length in (1, 15, 16, 17, 63, 64, 65, 80, 81):
    whole, single = generate(ids[:length], 1000), generate(ids[:length], 1)
    assert whole == single and len(whole) == 4, (length, whole, single)
