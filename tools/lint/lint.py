#!/usr/bin/env python3
"""Runs every lint over the tree. Exit code 1 when one of them finds something."""

import sys

import check_budgets
import check_format
import check_layering
import check_passes
import check_words
import common

LINTS = (check_layering, check_budgets, check_passes, check_words, check_format)


def main() -> None:
    tree = common.Tree(common.repository_root())
    total = 0
    for lint in LINTS:
        findings = lint.check(tree)
        total += len(findings)
        for finding in findings:
            print(f"{finding} [{lint.__name__}]")
    print(f"lint: {len(tree.files)} files, {total} findings")
    sys.exit(1 if total else 0)


if __name__ == "__main__":
    main()
