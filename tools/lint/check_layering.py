#!/usr/bin/env python3
"""Layering: who may include and link whom, as tools/lint/layers.json says."""

import json
import pathlib
import re
from typing import Dict, List, Optional

import common
import cxx_scan
from common import Finding, Tree, line_of, within

_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:"([^"\n]+)"|<([^>\n]+)>)', re.MULTILINE)
_LIBRARY = re.compile(r"\b(llmc_add_library|llmc_add_pass_library|add_library|llmc_add_tool|llmc_add_dialect)\s*\(\s*([\w-]+)([^()]*)\)")
_LINKING = re.compile(r"\btarget_link_libraries\s*\(\s*([\w-]+)([^()]*)\)")


class Layer:
    def __init__(self, entry: Dict, own: str, core: Dict):
        self.folder = entry["folder"]
        self.includes = [own if name == "$own" else name for name in entry["includes"]]
        self.core = entry.get("core", False)
        self.project = entry.get("project", False)
        system = core["system"] if self.core else entry.get("system", ".*")
        self.system = re.compile(system)
        self.calls = re.compile(core["calls"]) if self.core else None

    def allows(self, path: str) -> bool:
        return any(within(path, folder) for folder in self.includes)


class Rules:
    def __init__(self, document: Dict):
        self.folders = document["folders"]
        self.entries = document["layers"]
        self.core = document["core"]

    def layer(self, path: str) -> Optional[Layer]:
        parts = pathlib.PurePosixPath(path).parent.parts
        best, best_rank = None, (0, 0)
        for entry in self.entries:
            pattern = entry["folder"].split("/")
            if len(pattern) > len(parts) or any(p not in ("*", q) for p, q in zip(pattern, parts)):
                continue
            rank = (len(pattern), pattern.count("*") == 0)  # a spelled-out folder beats a star
            if rank > best_rank:
                best, best_rank = Layer(entry, "/".join(parts[:len(pattern)]), self.core), rank
        return best

    def in_tree(self, include: str) -> bool:
        return include.split("/")[0] in self.folders and "/" in include


def check_includes(tree: Tree, rules: Rules, path: str) -> List[Finding]:
    layer = rules.layer(path)
    if layer is None:
        return []
    text = cxx_scan.without_comments(tree.read(path))
    findings = []
    for match in _INCLUDE.finditer(text):
        name = match.group(1) or match.group(2)
        line = line_of(text, match.start())
        beside = tree.root / pathlib.PurePosixPath(path).parent / name
        if rules.in_tree(name):
            if not layer.allows(name):
                findings.append(Finding(path, line, f'{layer.folder} must not include "{name}"; it may include '
                                        + ", ".join(layer.includes)))
        elif match.group(1) and not layer.project and (beside.exists() or name.startswith(".")):
            findings.append(Finding(path, line, f'include "{name}" must be rooted at the repository'))
        elif not layer.system.fullmatch(name):
            findings.append(Finding(path, line, f"{layer.folder} must not include <{name}>"))
    return findings


def check_calls(tree: Tree, rules: Rules, path: str) -> List[Finding]:
    layer = rules.layer(path)
    if layer is None or layer.calls is None:
        return []
    code = cxx_scan.code_only(tree.read(path))
    return [Finding(path, line_of(code, m.start()), f'{layer.folder} must not use "{m.group(0).strip()}": '
                    "no heap, no exceptions, no RTTI, no stdio in the runtime core")
            for m in layer.calls.finditer(code)]


def check_links(tree: Tree, rules: Rules) -> List[Finding]:
    lists = [f for f in tree.files if f.endswith("CMakeLists.txt")]
    texts = {path: re.sub(r"#[^\n]*", lambda m: " " * len(m.group(0)), tree.read(path)) for path in lists}
    homes = {}
    for path, text in texts.items():
        for match in _LIBRARY.finditer(text):
            homes[match.group(2)] = path
    findings = []
    for path, text in texts.items():
        layer = rules.layer(path)
        if layer is None:
            continue
        blocks = [(m.start(), m.group(3)) for m in _LIBRARY.finditer(text)]
        blocks += [(m.start(), m.group(2)) for m in _LINKING.finditer(text)]
        for start, block in blocks:
            for word in re.findall(r"[\w-]+", block):
                home = homes.get(word)
                if home and not layer.allows(str(pathlib.PurePosixPath(home).parent)) and home != path:
                    findings.append(Finding(path, line_of(text, start),
                                            f"{layer.folder} must not link {word} of {home}"))
    return findings


def check(tree: Tree, rules_path: Optional[pathlib.Path] = None) -> List[Finding]:
    rules_path = rules_path or pathlib.Path(__file__).with_name("layers.json")
    rules = Rules(json.loads(rules_path.read_text(encoding="utf-8")))
    findings = []
    for path in tree.select(*common.CXX_SUFFIXES):
        findings += check_includes(tree, rules, path)
        findings += check_calls(tree, rules, path)
    return findings + check_links(tree, rules)


if __name__ == "__main__":
    common.main(check, __doc__)
