"""Judges the on-chip memory of every entry: check_memory.py REPORT INSPECTED, both JSON."""

import json
import sys

ALIGNMENT = 64


def live_bytes(buffers, steps):
    """The most bytes that live together, each buffer rounded up to its alignment."""
    change = [0] * (steps + 1)
    for buffer in buffers:
        size = -(-buffer["bytes"] // ALIGNMENT) * ALIGNMENT
        change[buffer["first"]] += size
        change[buffer["last"]] -= size
    live = most = 0
    for step in change:
        live += step
        most = max(most, live)
    return most


def overlap(a, b):
    together = a["first"] < b["last"] and b["first"] < a["last"]
    return together and a["offset"] < b["offset"] + b["bytes"] and b["offset"] < a["offset"] + a["bytes"]


def check(reported, drawn):
    name, buffers = reported["name"], drawn["buffers"]
    for i, buffer in enumerate(buffers):
        assert buffer["offset"] + buffer["bytes"] <= reported["sram_bytes"] <= drawn["capacity"], (name, buffer)
        for other in buffers[:i]:
            assert not overlap(buffer, other), (name, buffer, other)
    live = live_bytes(buffers, drawn["steps"])
    assert live == reported["sram_live_bytes"] == drawn["live_bytes"], (name, live)
    need = reported["sram_bytes"] - reported["sram_prefetch_bytes"]
    assert need >= live, (name, need, live)
    assert abs(reported["sram_peak_over_live"] - need / live) < 1e-9, (name, need, live)
    assert reported["sram_peak_over_live"] <= 1.1, (name, reported["sram_peak_over_live"])
    assert live <= reported["sram_held_bytes"] <= reported["sram_bytes"], (name, reported)
    assert abs(reported["sram_peak_over_held"] - reported["sram_bytes"] / reported["sram_held_bytes"]) < 1e-9, (name, reported)
    assert reported["sram_peak_over_held"] <= 1.1, (name, reported["sram_peak_over_held"])


def main():
    with open(sys.argv[1], encoding="utf-8") as report, open(sys.argv[2], encoding="utf-8") as inspected:
        reported = {entry["name"]: entry for entry in json.load(report)["entries"]}
        drawn = {entry["name"]: entry for entry in json.load(inspected)["memory"]["entries"]}
    assert reported and reported.keys() == drawn.keys(), (reported.keys(), drawn.keys())
    for name in reported:
        check(reported[name], drawn[name])
    print(f"{len(reported)} entries are good")


main()
