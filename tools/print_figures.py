#!/usr/bin/env python3
"""Prints the figures of a compile report and of a run's statistics as one table."""

import json
import sys


def load(path):
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except (OSError, ValueError) as error:
        sys.exit(f"error: {path}: {error}")


def field(document, path, name):
    if name not in document:
        sys.exit(f"error: {path}: the field \"{name}\" is missing; it is part of the documented format")
    return document[name]


def percent(part, whole):
    return f"{100 * part / whole:.1f} %" if whole else "-"


def region_rows(report, path):
    for region in field(report, path, "regions"):
        size, capacity = field(region, path, "bytes"), field(region, path, "capacity_bytes")
        share = f" of {capacity:,} ({percent(size, capacity)})" if capacity else ""
        yield f"region {field(region, path, 'name')}", f"{size:,} bytes{share}"


def rows(report_path, stats_path):
    report, stats = load(report_path), load(stats_path)
    yield "compile time", f"{field(report, report_path, 'compile_seconds'):.2f} s"
    yield "compile memory", f"{field(report, report_path, 'peak_rss_bytes') / 1e6:.0f} MB"
    yield from region_rows(report, report_path)

    def stat(name):
        return field(stats, stats_path, name)

    yield "tokens", f"{stat('prefill_tokens')} read, {stat('decode_tokens')} written"
    cycles, bound = stat("decode_cycles_per_token"), stat("bound_cycles_per_token")
    ratio = f", {cycles / bound:.2f} x the bound {bound:,.0f}" if bound else ""
    yield "cycles per written token", f"{cycles:,.0f}{ratio}"
    peak, capacity = stat("sram_peak_bytes"), stat("sram_capacity_bytes")
    yield "SRAM peak", f"{peak:,} of {capacity:,} bytes ({percent(peak, capacity)})"
    moved, compulsory = stat("dram_bytes_per_token"), stat("compulsory_bytes_per_token")
    ratio = f", {moved / compulsory:.2f} x the compulsory {compulsory:,.0f}" if compulsory else ""
    yield "off-chip bytes per written token", f"{moved:,.0f}{ratio}"


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: print_figures.py REPORT.json STATS.json")
    table = list(rows(sys.argv[1], sys.argv[2]))
    width = max(len(name) for name, _ in table)
    for name, value in table:
        print(f"  {name:<{width}}  {value}")


if __name__ == "__main__":
    main()
