#!/usr/bin/env python3
"""seed_defects.py OUT SOURCE ...: copies of the sources in which every check can be switched off by its number.

A check is one alternative of a condition that leads to a refusal. In `if (a || b) return LLMC_BAD_VALUE;` there are two.
The copies ask llmc::fuzz::checked(number) beside each. OUT/checks.txt lists them: number, file, line and text."""

import pathlib
import re
import sys

REFUSAL = re.compile(r"(?:Status\(\s*LLMC_(?!OK)|stepError\(|fail\(\s*LLMC_(?!OK)|LLMC_(?!OK\b)[A-Z_]+\s*;|false\s*;)")
ACCEPTANCE = re.compile(r"(?:LLMC_OK\b|Status\(\))")
BRACKETS = {"(": ")", "[": "]", "{": "}"}


def closing(text, at):
    """The place of the bracket that closes the one at `at`."""
    stack = []
    for i in range(at, len(text)):
        if text[i] in BRACKETS:
            stack.append(BRACKETS[text[i]])
        elif stack and text[i] == stack[-1]:
            stack.pop()
            if not stack:
                return i
    raise ValueError("unbalanced")


def alternatives(condition):
    """The parts between `||` outside brackets; the whole where it is a choice (`a ? b : c`)."""
    parts, depth, start = [], 0, 0
    for i, c in enumerate(condition):
        depth += (c in "([{") - (c in ")]}")
        if depth == 0 and c == "?":
            return [condition]
        if depth == 0 and condition.startswith("||", i):
            parts.append(condition[start:i])
            start = i + 2
    return parts + [condition[start:]]


class Seeder:
    def __init__(self):
        self.checks = []
        self.name = ""
        self.text = ""

    def number(self, at, part):
        line = self.text.count("\n", 0, at) + 1
        self.checks.append((self.name, line, " ".join(part.split())))
        return f"::llmc::fuzz::checked({len(self.checks) - 1})"

    def condition(self, at, condition):
        """A condition that leads to a refusal where it holds."""
        return " || ".join(f"({self.number(at, part)} && ({part.strip()}))" for part in alternatives(condition))

    def if_statement(self, match):
        open_ = match.end() - 1
        close = closing(self.text, open_)
        condition = self.text[open_ + 1:close]
        then = self.text[close + 1:].lstrip(" \n{")
        if ";" in condition or not re.match(r"return\s+" + REFUSAL.pattern, then):
            return None
        return open_ + 1, close, self.condition(match.start(), condition)

    def choice(self, match):
        """return a ? b : c, where one of b and c is a refusal."""
        start, end = match.end(), self.text.index(";", match.end())
        found = re.match(r"([^?;]*)\?([^:;]*(?:::[^:;]*)*):([^;]*)$", self.text[start:end], re.DOTALL)
        if not found:
            return None
        condition, yes, no = (part.strip() for part in found.groups())
        if ACCEPTANCE.match(yes) and REFUSAL.match(no + ";"):
            text = f"(!{self.number(match.start(), condition)} || ({condition}))"
        elif REFUSAL.match(yes + ";"):
            text = self.condition(match.start(), condition)
        else:
            return None
        return start, start + len(found.group(1)), f" ({text}) "

    def seed(self, path):
        self.name, self.text = path.name, path.read_text(encoding="utf-8")
        edits = [self.if_statement(match) for match in re.finditer(r"\bif \(", self.text)]
        edits += [self.choice(match) for match in re.finditer(r"\breturn\b", self.text)]
        edits += self.rules()
        out = self.text
        for begin, end, text in sorted((edit for edit in edits if edit), reverse=True):
            out = out[:begin] + text + out[end:]
        return "namespace llmc::fuzz { bool checked(unsigned check); }\n" + out

    def rules(self):
        """A table of rules is checked row by row, in one loop that reads `rule->field` first."""
        rows = list(re.finditer(r"^ +LLMC_RULE\(((?:[^()]|\([^()]*\))*)\),", self.text, re.MULTILINE))
        loop = re.search(r"\n( +)const uint8_t \*p = record \+ rule->field;", self.text)
        if not rows:
            return []
        if not loop:
            raise ValueError(f"{self.name} has rules, but not the loop that checks them")
        first = len(self.checks)
        for row in rows:
            self.number(row.start(1), row.group(1))
        return [(loop.start(), loop.start(), f"\n{loop.group(1)}if (!::llmc::fuzz::checked({first} + "
                                             "unsigned(rule - rules)))\n      continue;")]


def main():
    out = pathlib.Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    seeder = Seeder()
    for source in map(pathlib.Path, sys.argv[2:]):
        (out / source.name).write_text(seeder.seed(source), encoding="utf-8")
    (out / "checks.txt").write_text("".join(f"{i}\t{name}\t{line}\t{text}\n"
                                            for i, (name, line, text) in enumerate(seeder.checks)), encoding="utf-8")


main()
