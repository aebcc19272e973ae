#!/usr/bin/env python3
"""Size budgets: files up to 400 lines (800 at most, by name in budgets.json), functions up to 80."""

import ast
import json
from typing import Dict, List

import common
import cxx_scan
from common import Finding, Tree, line_of

SOFT_FILE = 400
HARD_FILE = 800
HARD_FUNCTION = 80
LISTED = "tools/lint/budgets.json"


def check_file(tree: Tree, path: str, allowed: Dict[str, int]) -> List[Finding]:
    lines = len(tree.read(path).splitlines())
    if lines > HARD_FILE:
        return [Finding(path, lines, f"{lines} lines, the limit is {HARD_FILE}: split the file")]
    if lines > SOFT_FILE and path not in allowed:
        return [Finding(path, lines, f"{lines} lines, the limit is {SOFT_FILE}: split the file by concept")]
    if lines > allowed.get(path, HARD_FILE):
        return [Finding(path, lines, f"{lines} lines, {LISTED} allows {allowed[path]}: it must not grow")]
    if lines <= SOFT_FILE and path in allowed:
        return [Finding(path, lines, f"only {lines} lines now: remove its entry from {LISTED}")]
    return []


def check_cxx_functions(tree: Tree, path: str) -> List[Finding]:
    code = cxx_scan.code_only(tree.read(path))
    findings = []
    for function in cxx_scan.functions(code):
        length = code.count("\n", function.start, function.end) + 1
        if length > HARD_FUNCTION:
            findings.append(Finding(path, line_of(code, function.start),
                                    f"function {function.name} has {length} lines, the limit is {HARD_FUNCTION}"))
    return findings


def check_python_functions(tree: Tree, path: str) -> List[Finding]:
    findings = []
    for node in ast.walk(ast.parse(tree.read(path))):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            length = node.end_lineno - node.lineno + 1
            if length > HARD_FUNCTION:
                findings.append(Finding(path, node.lineno,
                                        f"function {node.name} has {length} lines, the limit is {HARD_FUNCTION}"))
    return findings


def check(tree: Tree) -> List[Finding]:
    allowed = json.loads(tree.read(LISTED))["files"] if LISTED in tree.files else {}
    findings = [Finding(LISTED, 1, f"lists {path}, which does not exist: remove the entry")
                for path in sorted(set(allowed) - set(tree.files))]
    for path in tree.select(*common.CXX_SUFFIXES, ".td", ".fbs", ".py", ".cmake"):
        findings += check_file(tree, path, allowed)
    for path in tree.select(*common.CXX_SUFFIXES):
        findings += check_cxx_functions(tree, path)
    for path in tree.select(".py"):
        findings += check_python_functions(tree, path)
    return findings


if __name__ == "__main__":
    common.main(check, __doc__)
