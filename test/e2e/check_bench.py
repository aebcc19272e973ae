"""check_bench.py FILE CONTEXT LENGTHS STEPS [ISA THREADS]: a document of 'llmc bench --json' agrees with itself and with
what was asked for."""

import json
import sys

document = json.load(open(sys.argv[1], encoding="utf-8"))
context, lengths, steps = int(sys.argv[2]), [int(n) for n in sys.argv[3].split(",")], int(sys.argv[4])
isa, threads = (sys.argv[5], int(sys.argv[6])) if len(sys.argv) > 5 else ("simulated", 1)


def check(condition, what):
    if not condition:
        sys.exit(f"{sys.argv[1]}: {what}: {json.dumps(document)}")


check(document["isa"] == isa and document["threads"] == threads, "instruction set and threads")
check(document["context"] == context, "context")
check([p["tokens"] for p in document["prefill"]] == lengths, "lengths of the prompts")
for prompt in document["prefill"]:
    rate = prompt["tokens"] / prompt["seconds"]
    check(abs(prompt["tokens_per_second"] / rate - 1) < 1e-9, "prefill rate")
    sustained = prompt["int8_sustained_ops_per_second"]
    check(sustained is None if isa == "simulated" else sustained > 0, "multipliers beside a prefill")
decode = document["decode"]
calm = decode["undisturbed"]
check(calm is None or (isa != "simulated" and calm["tokens"] <= steps and decode["run_delay_ms"] >= 0), "undisturbed steps")
check(decode["tokens"] == steps and decode["first_position"] == lengths[0], "decode steps")
check(0 < decode["p50_ms"] <= decode["p99_ms"], "percentiles in order")
mean = 1e3 / decode["tokens_per_second"]
check(0.5 * decode["p50_ms"] <= mean, "mean and percentiles")
moved, read = decode["bytes_per_token"] * decode["tokens_per_second"], document["read_bandwidth_bytes_per_second"]
cache = document["last_level_cache_bytes"]
if isa == "simulated":
    check(mean <= decode["p99_ms"] * (1 + 1e-9), "mean between percentiles")
    check(0 < decode["bandwidth_share"] <= 1, "no memory beats its rate")
    check(decode["bytes_per_token"] >= decode["compulsory_bytes_per_token"] > 0, "compulsory bytes move")
    check(moved <= 2 * read, "bytes per second")
    check(cache is None and decode["cache_affected"] is None, "no cache")
else:
    check(decode["compulsory_bytes_per_token"] > decode["bytes_per_token"] > 0, "weights and KV without ids and logits")
    check(abs(decode["bandwidth_share"] * read / moved - 1) < 1e-9, "share of the bandwidth")
    expected = None if cache is None else decode["bytes_per_token"] < 4 * cache
    check(decode["cache_affected"] == expected, "label of what the cache holds")
check(document["int8_peak_ops_per_second"] > 0 and document["load_ms"] > 0, "peaks and load")
large = document["plan_large_page_share"]
if isa == "simulated":
    check(large is None, "no large pages")
else:
    check(large is None or 0 <= large <= 1, "large pages")
check(document["peak_rss_bytes"] > 1 << 20, "resident memory")
print("bench is consistent")
