"""check_isolation.py REPORT FUNCTION WHAT: in the JSON report of llmc conformance some classes failed with WHAT of FUNCTION as the
reason, and some of them say that they are incomplete; all others were examined."""

import json
import sys


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        report = json.load(file)
    assert report["conforms"] is False
    classes = report["classes"]
    assert any(entry["incomplete"] for entry in classes), "no class says that it is incomplete"
    for entry in classes:
        assert (entry["passed"] == 0 < entry["failed"]) if entry["incomplete"] else entry["claimed"] + entry["not_claimed"], entry
        for failure in entry["failures"]:
            assert failure["function"] == sys.argv[2] and failure["reason"].startswith(sys.argv[3]), failure
            assert failure["case"] not in ("", "all cases"), failure


main()
