#!/usr/bin/env python3
"""Passes: each states Requires, Ensures and Fails, has a lit test, and an error twin unless it never fails."""

import pathlib
import re
from typing import List, Set

import common
from common import Finding, Tree, line_of

_PASS = re.compile(r'^def\s+(\w+)\s*:\s*\w*Pass<\s*"([^"]+)"', re.MULTILINE)
_DESCRIPTION = re.compile(r"\blet\s+description\s*=\s*\[\{(.*?)\}\]", re.DOTALL)


def check_pass(path: str, line: int, flag: str, body: str, tests: Set[str]) -> List[Finding]:
    description = _DESCRIPTION.search(body)
    text = description.group(1) if description else ""
    findings = [Finding(path, line, f'pass {flag}: its description lacks "{word}:"')
                for word in ("Requires", "Ensures", "Fails") if f"{word}:" not in text]
    if not flag.startswith("llmc-"):
        findings.append(Finding(path, line, f"pass {flag}: its flag must start with llmc-"))
    stem = flag[len("llmc-"):] if flag.startswith("llmc-") else flag
    if f"{stem}.mlir" not in tests:
        findings.append(Finding(path, line, f"pass {flag}: no test test/passes/**/{stem}.mlir"))
    never_fails = re.search(r"Fails:\s*never\b", text)
    if not never_fails and f"{stem}-errors.mlir" not in tests:
        findings.append(Finding(path, line, f"pass {flag}: no error test test/passes/**/{stem}-errors.mlir "
                                '(or say "Fails: never")'))
    return findings


def check(tree: Tree) -> List[Finding]:
    tests = {pathlib.PurePosixPath(f).name for f in tree.files
             if f.startswith("test/passes/") and f.endswith(".mlir")}
    findings = []
    for path in tree.select(".td"):
        text = re.sub(r"//[^\n]*", lambda m: " " * len(m.group(0)), tree.read(path))
        matches = list(_PASS.finditer(text))
        ends = [m.start() for m in matches[1:]] + [len(text)]
        for match, end in zip(matches, ends):
            findings += check_pass(path, line_of(text, match.start()), match.group(2),
                                   text[match.start():end], tests)
    return findings


if __name__ == "__main__":
    common.main(check, __doc__)
