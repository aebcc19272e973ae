"""Checks a document of 'llmc bench --json' against itself and against what was asked for."""

import json
import sys

document = json.load(open(sys.argv[1], encoding="utf-8"))
context, lengths, steps = int(sys.argv[2]), [int(n) for n in sys.argv[3].split(",")], int(sys.argv[4])


def check(condition, what):
    if not condition:
        sys.exit(f"{sys.argv[1]}: {what}: {json.dumps(document)}")


check(document["isa"] == "simulated" and document["threads"] == 1, "simulated on one thread")
check(document["context"] == context, "context")
check([p["tokens"] for p in document["prefill"]] == lengths, "lengths of the prompts")
for prompt in document["prefill"]:
    rate = prompt["tokens"] / prompt["seconds"]
    check(abs(prompt["tokens_per_second"] / rate - 1) < 1e-9, "prefill rate")
decode = document["decode"]
check(decode["tokens"] == steps and decode["first_position"] == lengths[0], "decode steps")
check(0 < decode["p50_ms"] <= decode["p99_ms"], "percentiles in order")
mean = 1e3 / decode["tokens_per_second"]
check(0.5 * decode["p50_ms"] <= mean <= decode["p99_ms"] * (1 + 1e-9), "mean between percentiles")
check(0 < decode["bandwidth_share"] <= 1, "no memory beats its rate")
check(decode["bytes_per_token"] >= decode["compulsory_bytes_per_token"] > 0, "compulsory bytes move")
moved = decode["bytes_per_token"] * decode["tokens_per_second"]
check(moved <= 2 * document["read_bandwidth_bytes_per_second"], "bytes per second")
check(document["int8_peak_ops_per_second"] > 0 and document["load_ms"] > 0, "peaks and load")
check(document["peak_rss_bytes"] > 1 << 20, "resident memory")
print("bench is consistent")
