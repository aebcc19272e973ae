"""check_isolation.py REPORT FUNCTION WHAT: in the JSON report of llmc conformance some classes failed, each once, with WHAT of FUNCTION
as the reason, and say that they are incomplete; all others were examined."""

import json
import sys


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        report = json.load(file)
    assert report["conforms"] is False
    lost = [entry for entry in report["classes"] if entry["incomplete"]]
    assert lost, "no class says that it is incomplete"
    for entry in lost:
        failure, = entry["failures"]
        assert (entry["passed"], entry["failed"]) == (0, 1), entry
        assert failure["function"] == sys.argv[2] and failure["reason"].startswith(sys.argv[3]), failure
        assert failure["case"] not in ("", "all cases"), failure
    for entry in report["classes"]:
        assert entry["incomplete"] or entry["failed"] == 0 < entry["passed"] + entry["not_claimed"], entry


main()
