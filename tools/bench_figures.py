#!/usr/bin/env python3
"""Prints the figures that tools/bench measured as one table, each with its bar."""

import json
import os
import sys

MACHINES = ("rnpu-soc", "rnpu-mcu")


class Results:
    """The JSON documents of one folder."""

    def __init__(self, folder):
        self.folder = folder

    def read(self, name, *fields):
        path = os.path.join(self.folder, name)
        try:
            with open(path, encoding="utf-8") as file:
                value = json.load(file)
            for field in fields:
                value = value[field]
            return value
        except (OSError, ValueError, KeyError) as error:
            sys.exit(f"error: {path}: {'/'.join(fields)}: {error!r}")


def most(bar):
    return f"<= {bar:g}", lambda value: value <= bar


def least(bar):
    return f">= {bar:g}", lambda value: value >= bar


def machine_rows(results, machine):
    def stat(name):
        return results.read(f"{machine}.stats.json", name)

    report = f"{machine}.report.json"
    yield "decode cycles / bound", stat("decode_cycles_per_token") / stat("bound_cycles_per_token"), most(1.4)
    entries = results.read(report, "entries")
    yield "SRAM peak / held, loads ahead included", max(e["sram_peak_over_held"] for e in entries), most(1.1)
    yield "SRAM peak / live, smallest plan", max(e["sram_peak_over_live"] for e in entries), most(1.1)
    yield "SRAM peak / capacity", stat("sram_peak_bytes") / stat("sram_capacity_bytes"), most(1)
    yield "DRAM bytes / compulsory", stat("dram_bytes_per_token") / stat("compulsory_bytes_per_token"), most(1.15)
    yield "compile, s", results.read(report, "compile_seconds"), most(20)
    yield "compile memory, MB", results.read(report, "peak_rss_bytes") / 1e6, most(600)
    bench = f"{machine}.bench.json"
    for prompt in results.read(bench, "prefill"):
        yield f"prefill of {prompt['tokens']}, tokens/s (simulated)", prompt["tokens_per_second"], None
    yield "decode, tokens/s (simulated)", results.read(bench, "decode", "tokens_per_second"), None
    yield "decode, share of the memory's rate", results.read(bench, "decode", "bandwidth_share"), None


def simulator_rows(results):
    decode = results.read("rnpu-soc.stats.json", "host_tokens_per_second")
    yield "simulation, decode, tokens/s of the host", decode, least(20)
    evaluation = results.read("w4a8-m32.eval.json", "host_tokens_per_second")
    yield "simulation, eval in chunks of 64, tokens/s of the host", evaluation, least(100)
    exact = results.read("fp32.eval.json", "perplexity")
    yield "perplexity fp32 (reference evaluator)", exact, None
    for recipe, bar in (("w8a8", 1.005), ("w4a8-g32", 1.02), ("w4a8-m32", 1.02)):
        ratio = results.read(f"{recipe}.eval.json", "perplexity") / exact
        yield f"perplexity {recipe} / fp32", ratio, most(bar)


def show(title, rows):
    print(f"\n{title}")
    for name, value, bar in rows:
        text, holds = bar or ("", None)
        verdict = "" if holds is None else "pass" if holds(value) else "FAIL"
        number = f"{value:,.0f}" if value >= 1000 else f"{value:.4g}"
        print(f"  {name:<56}{number:>12}  {text:<9}{verdict}".rstrip())


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: bench_figures.py FOLDER")
    results = Results(sys.argv[1])
    for machine in MACHINES:
        show(f"{machine}, scribe-6m, w4a8-m32, context 512", machine_rows(results, machine))
    show("rnpu-soc, simulator and quality", simulator_rows(results))


main()
