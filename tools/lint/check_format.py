#!/usr/bin/env python3
"""Format: every C++ file is as clang-format-22 writes it. With --fix, makes it so."""

import re
import subprocess
import sys
from typing import List

import common
from common import Finding, Tree

CLANG_FORMAT = "clang-format-22"
_WARNING = re.compile(r"^(.*?):(\d+):\d+: (?:error|warning): code should be clang-formatted", re.MULTILINE)


def check(tree: Tree) -> List[Finding]:
    files = tree.select(*common.CXX_SUFFIXES)
    if not files:
        return []
    try:
        result = subprocess.run([CLANG_FORMAT, "--dry-run", "-Werror", *files], cwd=tree.root, check=False,
                                capture_output=True, text=True)
    except FileNotFoundError:
        return [Finding(".clang-format", 1, f"{CLANG_FORMAT} is not installed; tools/check installs it")]
    first = {}
    for match in _WARNING.finditer(result.stderr):
        first.setdefault(match.group(1), int(match.group(2)))
    findings = [Finding(path, line, f"not formatted: {CLANG_FORMAT} -i {path}")
                for path, line in sorted(first.items())]
    if result.returncode and not findings:
        findings.append(Finding(".clang-format", 1, f"{CLANG_FORMAT} failed: {result.stderr.strip()}"))
    return findings


def fix(tree: Tree) -> None:
    files = tree.select(*common.CXX_SUFFIXES)
    if files:
        subprocess.run([CLANG_FORMAT, "-i", *files], cwd=tree.root, check=True)


if __name__ == "__main__":
    if sys.argv[1:] == ["--fix"]:
        fix(Tree(common.repository_root()))
    else:
        common.main(check, __doc__)
