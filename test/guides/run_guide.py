"""Runs the commands of a guide, in their order, in an empty folder.

Blocks fenced as sh are one script. A command that begins with "! " must fail, any other must not. The lines of a block
fenced as text are in the output of the sh block before it, in that order; … stands for anything."""

import argparse
import os
import re
import shutil
import subprocess
import sys

BLOCK = re.compile(r"^```(sh|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MARK = "== block "


def commands_of(block: str) -> str:
    lines = []
    for line in block.replace("\\\n", "").splitlines():
        lines.append(f'if {line[2:]}; then echo "was to fail: "{line[2:]!r}; exit 1; fi' if line.startswith("! ") else line)
    return "\n".join(lines) + "\n"


def check_text(expected: str, output: str) -> None:
    rest = iter(output.splitlines())
    for line in expected.splitlines():
        pattern = re.compile(".*".join(re.escape(part) for part in line.split("…")))
        if not any(pattern.fullmatch(found.rstrip()) for found in rest):
            sys.exit(f"not in the output, or not at its place: {line}\n{output}")


def skip_unless_possible(tools: list[str], cpu: list[str]) -> None:
    missing = [f"no {tool} here" for tool in tools if not shutil.which(tool)]
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        features = file.read().split()
    missing += [f"this CPU has no {feature}" for feature in cpu if feature not in features]
    if missing:
        print(f"skipped: {missing[0]}")
        sys.exit(77)


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("guide")
    parser.add_argument("folder")
    parser.add_argument("--tool", action="append", default=[], help="a program without which the guide is skipped")
    parser.add_argument("--cpu", action="append", default=[], help="a feature of the CPU without which it is skipped")
    parser.add_argument("--link", action="append", default=[], help="NAME=PATH: what the guide finds in its folder")
    parser.add_argument("--path", action="append", default=[], help="a folder of programs")
    parser.add_argument("--set", action="append", default=[], help="NAME=VALUE: a variable of the script")
    return parser.parse_args()


def pairs(texts: list[str]) -> dict[str, str]:
    return dict(text.split("=", 1) for text in texts)


def main() -> None:
    given = options()
    skip_unless_possible(given.tool, given.cpu)
    guide, folder = given.guide, given.folder
    with open(guide, encoding="utf-8") as file:
        blocks = BLOCK.findall(file.read())
    scripts = [text for kind, text in blocks if kind == "sh"]
    if not scripts:
        sys.exit(f"{guide}: no block is fenced as sh")
    environment = {**os.environ, **pairs(given.set), "PATH": ":".join([*given.path, os.environ["PATH"]])}
    script = "set -euo pipefail\n"
    for number, text in enumerate(scripts):
        script += f"echo; echo '{MARK}{number}'\n{commands_of(text)}"
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    for name, path in pairs(given.link).items():
        os.symlink(path, os.path.join(folder, name))
    done = subprocess.run(["bash", "-c", script], cwd=folder, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, env=environment, check=False)
    if done.returncode != 0:
        sys.exit(f"{guide}: a command failed, the last block that ran is\n{done.stdout[done.stdout.rfind(MARK):]}")
    outputs = re.split(f"^{MARK}[0-9]+\n", done.stdout, flags=re.MULTILINE)[1:]
    block = -1
    for kind, text in blocks:
        if kind == "sh":
            block += 1
        else:
            check_text(text, outputs[block])
    print(f"{len(scripts)} blocks of commands")


main()
