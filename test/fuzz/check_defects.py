#!/usr/bin/env python3
"""check_defects.py PROGRAM CHECKS EXCUSED: switches off every check of the verifier, one at a time, and demands that the
tests notice: those with one wrong field each, or those that run mutated plans.

EXCUSED lists checks whose absence changes nothing, as lines `file: text: why`. One that is noticed after all is an error,
so that the list stays true."""

import os
import subprocess
import sys

SECONDS = 120


def notices(program, number, tests):
    """What the tests say with one check off: nothing where all pass, else how they ended."""
    environment = dict(os.environ, LLMC_DEFECT=str(number))
    try:
        done = subprocess.run([program, "--abort", *tests], env=environment, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return "no end"
    return "" if done.returncode == 0 else f"exit code {done.returncode}"


def read_excused(path):
    excused = {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            if line.strip() and not line.startswith("#"):
                name, text, why = line.rstrip("\n").split(": ", 2)
                excused[name, text] = why
    return excused


def main():
    program, checks, excused = sys.argv[1], sys.argv[2], read_excused(sys.argv[3])
    if notices(program, "none", []) != "":
        sys.exit("error: the tests fail with every check on")
    counts, problems, needed = {"fields": 0, "mutator": 0, "excused": 0}, [], set()
    with open(checks, encoding="utf-8") as file:
        for line in file:
            number, name, at, text = line.rstrip("\n").split("\t")
            found = "fields" if notices(program, number, ["~[mutator]"]) else ""
            if not found and (name, text) not in excused:
                found = "mutator" if notices(program, number, ["[mutator]"]) else ""
            if not found and (name, text) in excused:
                needed.add((name, text))
            elif not found:
                problems.append(f"{name}:{at}: nothing notices that this check is off: {text}")
            counts[found or "excused"] += 1
    problems += [f"{name}: noticed or gone, so it needs no excuse: {text}" for name, text in excused.keys() - needed]
    for problem in problems:
        print(problem)
    total = sum(counts.values())
    print(f"{total} checks switched off: {counts['fields']} noticed by a wrong field, {counts['mutator']} by mutated plans, "
          f"{counts['excused']} make no difference")
    sys.exit(1 if problems else 0)


main()
