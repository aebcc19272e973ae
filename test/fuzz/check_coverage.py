#!/usr/bin/env python3
"""check_coverage.py PROGRAM TOOLS WORK PERCENT FILE ...: runs the program, which was compiled for clang's source coverage, and
demands that it executes at least PERCENT of the lines of these files taken together. Prints each, and the lines missed."""

import json
import os
import pathlib
import subprocess
import sys


def output(*command):
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, check=True).stdout


def missed_lines(file):
    """First lines of the regions that never ran."""
    return sorted({segment[0] for segment in file["segments"] if segment[3] and segment[4] and segment[2] == 0})


def main():
    program, tools, work, percent = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3]), float(sys.argv[4])
    wanted = {os.path.realpath(path) for path in sys.argv[5:]}
    work.mkdir(parents=True, exist_ok=True)
    raw, merged = work / "raw", work / "merged"
    subprocess.run([program], env=dict(os.environ, LLVM_PROFILE_FILE=str(raw)), check=True, stdout=subprocess.DEVNULL)
    output(tools / "llvm-profdata", "merge", "-sparse", raw, "-o", merged)
    data = json.loads(output(tools / "llvm-cov", "export", program, f"-instr-profile={merged}"))["data"][0]["files"]
    lines = covered = 0
    for file in data:
        if os.path.realpath(file["filename"]) not in wanted:
            continue
        summary = file["summary"]["lines"]
        lines, covered = lines + summary["count"], covered + summary["covered"]
        missed = ", ".join(map(str, missed_lines(file)))
        print(f"{os.path.basename(file['filename'])}: {summary['covered']} of {summary['count']} lines"
              + (f"; not run from line {missed}" if missed else ""))
    if lines == 0:
        sys.exit("error: the program has no coverage of these files")
    print(f"{covered} of {lines} lines of the verifier run: {100 * covered / lines:.1f} %")
    if 100 * covered < percent * lines:
        sys.exit(f"error: less than {percent:g} %")


main()
