"""Checks a compile report: regions for weights fit the budget, and a token's entries read every paged byte once."""
import json
import sys

report = json.load(open(sys.argv[1]))
regions = {region["name"]: region["bytes"] for region in report["regions"]}
entries = {entry["name"]: entry for entry in report["entries"]}
if regions["pages"] + regions["weights"] > int(sys.argv[2]):
    sys.exit(f"{regions['pages']} + {regions['weights']} bytes are more than the budget")
row = entries["decode"]["page_bytes"] + entries["head_1"]["page_bytes"] - regions["paged_weights"]
# Constants begin at multiples of 64; a row of the embedding comes on top.
if not 0 < row <= 1024:
    sys.exit(f"decode and head read {row} bytes more than there are")
if entries["prefill_16"]["page_bytes"] - entries["decode"]["page_bytes"] != 15 * row:
    sys.exit("a chunk reads more than its rows and the layers once")
for entry in entries.values():
    # The last page is used when nothing is left to read.
    if entry["commands_during_reads"] * 10 < (entry["commands"] - 1) * 9:
        sys.exit(f"{entry['name']}: reads are under way in {entry['commands_during_reads']} of {entry['commands']} commands")
print("within the budget; each token reads all weights and one row:", ", ".join(sorted(entries)))
