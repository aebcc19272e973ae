#!/usr/bin/env python3
"""Words and habits that have no place in the tree: leftovers, machine paths, global options, static registration."""

import re
from typing import List, NamedTuple, Pattern, Tuple

import common
import cxx_scan
from common import Finding, Tree, line_of, within


class Rule(NamedTuple):
    pattern: Pattern
    message: str
    only: Tuple[str, ...]  # suffixes it applies to; empty means every text file
    outside: Tuple[str, ...]  # folders it does not apply to


_CXX = common.CXX_SUFFIXES
_RULES = (
    Rule(re.compile(r"\b(?:TODO|FIXME|XXX)\b"), "leftover marker: do it or drop it", (), ()),
    Rule(re.compile(r"(?<![\w.$}/])/(?:work|home|root|Users)/\w*"), "path of one machine", (), ()),
    Rule(re.compile(r"\.\./shared\b"), "path outside the repository", (), ()),
    Rule(re.compile(r"^[ \t]*(?:static\s+)?(?:::)?(?:llvm::)?cl::(?:opt|list|bits|alias)\b", re.MULTILINE),
         "global command-line option; options are structs, only tools/ binds them", _CXX, ("tools",)),
    Rule(re.compile(r"^(?:static|inline|const|bool|int|auto)\b[^\n=;{}()]*=[ \t]*"
                    r"[\w:]*[rR]egister[A-Z]\w*\(", re.MULTILINE),
         "static registration; registries are objects passed in", _CXX, ()),
    Rule(re.compile(r"^(?:static\s+)[\w:]*(?:Registration|Registrar|Register(?:Pass|Target|Dialect))\b"
                    r"(?:<[^;\n]*>)?\s+\w+\s*[;({]", re.MULTILINE),
         "static registration; registries are objects passed in", _CXX, ()),
    Rule(re.compile(r"__attribute__\s*\(\(\s*constructor|\[\[gnu::constructor\]\]"),
         "code before main; registries are objects passed in", _CXX, ("test/plugins",)),
)
_TEXT = _CXX + (".td", ".fbs", ".py", ".cmake", ".txt", ".md", ".json", ".mlir", ".test", ".sh", ".in")


def _is_text(path: str) -> bool:
    name = path.rsplit("/", 1)[-1]
    return path.endswith(_TEXT) or "." not in name


def check(tree: Tree) -> List[Finding]:
    findings = []
    for path in tree.files:
        # The rules are spelled out here, and test data is text of others.
        if not _is_text(path) or within(path, "tools/lint") or within(path, "test/data") or path == "LICENSE":
            continue
        text = tree.read(path)
        code = None
        for rule in _RULES:
            if (rule.only and not path.endswith(rule.only)) or any(within(path, f) for f in rule.outside):
                continue
            if rule.only and code is None:
                code = cxx_scan.code_only(text)
            for match in rule.pattern.finditer(code if rule.only else text):
                found = match.group(0).strip()
                line = line_of(text, match.end())
                findings.append(Finding(path, line, f'"{found}": {rule.message}'))
    return findings


if __name__ == "__main__":
    common.main(check, __doc__)
