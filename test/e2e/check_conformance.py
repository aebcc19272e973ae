"""Judges a report of conformance: check_conformance.py REPORT MACHINE TARGET SEED."""

import json
import sys

COUNTS = ("claimed", "passed", "failed", "not_claimed", "not_run")


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        report = json.load(file)
    assert [report["machine"], report["target"], report["seed"]] == [sys.argv[2], sys.argv[3], int(sys.argv[4])]
    assert report["conforms"] is True and report["device"] is True, report["verdict"]
    names = [group["name"] for group in report["classes"]]
    assert len(names) == len(set(names)) and "linear w8" in names
    for group in report["classes"]:
        assert group["claimed"] == group["passed"] + group["failed"] + group["not_run"], group
        assert sum(entry["cases"] for entry in group["refusals"]) == group["not_claimed"], group
    for count in COUNTS:
        assert report["summary"][count] == sum(group[count] for group in report["classes"]), count
    assert report["summary"]["passed"] > 300 and report["summary"]["failed"] == 0
    print(f"{report['summary']['passed']} passed")


main()
