"""golden.py FOLDER WORK: plans of the present format give the ids and logits that are stored beside them, whatever the chunk;
those of another are refused with one error that says who made them. Plans for a CPU that this one is not are left out."""

import hashlib
import json
import lzma
import pathlib
import subprocess
import sys


def llmc(*arguments):
    return subprocess.run(["llmc", *map(str, arguments)], capture_output=True, text=True, check=False)


def succeed(*arguments):
    done = llmc(*arguments)
    assert done.returncode == 0, f"llmc {' '.join(map(str, arguments))}: {done.stderr}"
    return done.stdout


def check_results(plan, expected, work):
    options = [f"--isa={expected['cpu']}"] if expected["cpu"] else []
    ids = work / "ids.json"
    ids.write_text(json.dumps(expected["ids"]), encoding="utf-8")
    succeed("verify", plan)
    for chunk in ([], ["--chunk=5"]):
        succeed("eval", plan, f"--ids={ids}", f"--logits={work / 'logits.npy'}", *options, *chunk)
        digest = hashlib.sha256((work / "logits.npy").read_bytes()).hexdigest()
        assert digest == expected["logits_sha256"], f"{plan}: other logits than when it was made"
    prompt = ",".join(map(str, expected["ids"]))
    text = succeed("run", plan, f"--prompt-ids={prompt}", f"--max-tokens={len(expected['generated'])}", *options)
    assert [int(word) for word in text.split()] == expected["generated"], f"{plan}: other ids than when it was made"


def check_refusal(plan):
    done = llmc("verify", plan)
    assert done.returncode == 1 and "made by llmc" in done.stderr, f"{plan}: not refused as of another format: {done.stderr}"


def main():
    folder, work = map(pathlib.Path, sys.argv[1:])
    work.mkdir(parents=True, exist_ok=True)
    cpuinfo = pathlib.Path("/proc/cpuinfo")
    flags = set(cpuinfo.read_text(encoding="utf-8").split()) if cpuinfo.exists() else set()
    ran = other = 0
    for description in sorted(folder.glob("*/*.json")):
        expected = json.loads(description.read_text(encoding="utf-8"))
        data = lzma.decompress(description.with_suffix(".llmc.xz").read_bytes())
        assert hashlib.sha256(data).hexdigest() == expected["plan_sha256"], f"{description}: of another plan"
        plan = work / f"{description.parent.name}-{description.stem}.llmc"
        plan.write_bytes(data)
        probe = llmc("verify", plan)
        if probe.returncode != 0 and "plan format" in probe.stderr:
            check_refusal(plan)
            other += 1
        elif expected["cpu"] is None or expected["cpu"] in flags:
            check_results(plan, expected, work)
            ran += 1
    assert ran >= 2, f"only {ran} plans of the present format; tools/dev/make-golden makes them"
    print("golden plans give what they gave")


main()
