#!/usr/bin/env python3
"""Runs the commands of docs/guides/embed.md as they stand there, in a folder with build, runtime and scribe-6m as the model."""
import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

NEEDED = ("ninja", "clang++-22", "ld.lld-22", "arm-none-eabi-gcc", "qemu-system-arm")


def commands(text):
    """Lines indented by four, outside fences."""
    found, fenced = [], False
    for line in text.splitlines():
        fenced ^= line.startswith("```")
        if not fenced and line.startswith("    "):
            found.append(line.strip())
    return found


def main():
    parser = argparse.ArgumentParser()
    for name in ("source", "build", "work", "model", "cmake"):
        parser.add_argument("--" + name, required=True, type=Path)
    options = parser.parse_args()
    missing = [tool for tool in NEEDED if not shutil.which(tool)]
    if missing:
        print(f"skipped: no {missing[0]}")
        sys.exit(77)
    shutil.rmtree(options.work, ignore_errors=True)
    options.work.mkdir(parents=True)
    (options.work / "build").symlink_to(options.build)
    (options.work / "runtime").symlink_to(options.source / "runtime")
    for file in options.model.iterdir():
        (options.work / file.name).symlink_to(file)
    (options.work / "model.onnx").symlink_to(options.model / "decomposed-torchscript.onnx")
    script = commands((options.source / "docs/guides/embed.md").read_text(encoding="utf-8"))
    programs = [str(options.build / "bin"), str(options.cmake.parent), os.environ["PATH"]]
    done = subprocess.run(["bash", "-exc", "\n".join(script)], cwd=options.work, env=os.environ | {"PATH": ":".join(programs)},
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300)
    print(done.stdout, done.stderr)
    if done.returncode or "\nOK: " not in done.stdout:
        sys.exit(f"the commands of docs/guides/embed.md: exit code {done.returncode}")


main()
