"""Runs the commands of a guide, in their order, in an empty folder: run_guide.py GUIDE FOLDER NAME=VALUE...

Blocks fenced as sh are one script, with the NAMEs as variables. A command that begins with "! " must fail, any other must
not. The lines of a block fenced as text are in the output of the sh block before it, in that order; … stands for anything."""

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


def main() -> None:
    guide, folder, *variables = sys.argv[1:]
    with open(guide, encoding="utf-8") as file:
        blocks = BLOCK.findall(file.read())
    scripts = [text for kind, text in blocks if kind == "sh"]
    if not scripts:
        sys.exit(f"{guide}: no block is fenced as sh")
    script = "set -euo pipefail\n"
    for number, text in enumerate(scripts):
        script += f"echo; echo '{MARK}{number}'\n{commands_of(text)}"
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    done = subprocess.run(["bash", "-c", script], cwd=folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env={**os.environ, **dict(variable.split("=", 1) for variable in variables)}, check=False)
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
