#!/usr/bin/env python3
"""Prints the figures that tools/bench-cpu measured as tables, each with its bar."""

import json
import os
import sys

SHAPES = ("smollm2-135m", "tinyllama-1.1b")
RECIPES = ("w8a8", "w4a8-m16", "w4a8-m32", "w4a8-g32", "w4a8-m32-all")

# Shares of the measured int8 peak: of the whole prefill, and inside the kernels of linear layers.
PREFILL_BARS = {"avx512": (0.60, 0.85), "amx": (0.25, 0.55)}
GROUP_BAR = {"avx512": 0.65}
# Shares of the measured read bandwidth in decode of w4a8-m32, by shape and threads.
DECODE_BARS = {("tinyllama-1.1b", 2): 0.92, ("tinyllama-1.1b", 1): 0.85, ("smollm2-135m", 2): 0.80}


def read(folder, name):
    path = os.path.join(folder, name)
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except (OSError, ValueError) as error:
        sys.exit(f"error: {path}: {error!r}")


def linear_ops(folder, shape, tokens):
    """Two for each multiplication in the layers' linear operations."""
    config = read(folder, os.path.join(shape, "config.json"))
    hidden, heads = config["hidden_size"], config["num_attention_heads"]
    head = config.get("head_dim", hidden // heads)
    width, kv = heads * head, config["num_key_value_heads"] * head
    layer = hidden * (width + 2 * kv) + width * hidden + 3 * hidden * config["intermediate_size"]
    return 2 * tokens * layer * config["num_hidden_layers"]


def is_linear(kernel):
    return any(part in kernel["name"] for part in (".linear", ".gate", ".up")) and "act" not in kernel["name"]


def verdict(value, bar):
    if bar is None:
        return f"{value:.2f}"
    return f"{value:.2f} ({'pass' if value >= bar else 'FAIL'} {bar:g})"


def prefill_row(folder, shape, recipe, isa, document):
    prefill = document["prefill"][0]
    ops = linear_ops(folder, shape, prefill["tokens"])
    peak = document["int8_peak_ops_per_second"]
    inside = sum(kernel["seconds"] for kernel in prefill["kernels"] if is_linear(kernel))
    whole, kernels = PREFILL_BARS.get(isa, (None, None))
    if recipe == "w4a8-g32":
        whole, kernels = None, GROUP_BAR.get(isa)
    return (f"{prefill['tokens_per_second']:,.0f}", verdict(ops / prefill["seconds"] / peak, whole),
            verdict(ops / inside / peak, kernels))


def decode_row(shape, recipe, document):
    decode = document["decode"]
    bar = DECODE_BARS.get((shape, document["threads"])) if recipe == "w4a8-m32" else None
    return (f"{decode['tokens_per_second']:.1f}", verdict(decode["bandwidth_share"], bar))


def show_speed(folder, shape, isas):
    print(f"\n{shape}, context 1,024, prefill 512, decode 64\n")
    print("| recipe | code, threads | prefill tokens/s | of the int8 peak | inside linear kernels "
          "| decode tokens/s | of the read rate |")
    print("|---|---|---|---|---|---|---|")
    for recipe in RECIPES:
        runs = [(isa, 2) for isa in isas] + ([(isas[0], 1)] if recipe == "w4a8-m32" else [])
        for isa, threads in runs:
            document = read(folder, f"{shape}.{recipe}.{isa}.{threads}.json")
            cells = prefill_row(folder, shape, recipe, isa, document) + decode_row(shape, recipe, document)
            print(f"| {recipe} | {isa}, {threads} | " + " | ".join(cells) + " |")


def show_rest(folder, shape, isas):
    long = [read(folder, f"{shape}.w4a8-m32.long.{round}.json") for round in (1, 2, 3)]
    steady = min(run["decode"]["p99_ms"] / run["decode"]["p50_ms"] for run in long)
    short = read(folder, f"{shape}.w4a8-m32.{isas[0]}.2.json")
    report = read(folder, f"{shape}.w4a8-m32.report.json")
    print(f"\np99 / p50 of 512 tokens, best of three: {steady:.3f} (<= 1.10 on an idle machine)")
    calm = [run["decode"]["undisturbed"] for run in long]
    ratios = [run["p99_ms"] / run["p50_ms"] for run in calm if run and run["tokens"]]
    if ratios:
        fewest = min(run["tokens"] for run in calm if run)
        print(f"the same of tokens in which no thread waited for a CPU, {fewest} or more of 512: {min(ratios):.3f} (<= 1.10)")
    print(f"load: {short['load_ms']:.1f} ms (<= 100), resident {short['peak_rss_bytes'] / 1e6:.0f} MB")
    print(f"compile: {report['compile_seconds']:.1f} s (<= 90), {report['peak_rss_bytes'] / 1e6:.0f} MB (<= 1,500)")
    print(f"machine: {short['read_bandwidth_bytes_per_second'] / 1e9:.1f} GB/s read, "
          f"{short['int8_peak_ops_per_second'] / 1e12:.2f} TOPS int8 ({isas[0]}, 2 threads)")


def main():
    if len(sys.argv) < 3:
        sys.exit("usage: bench_cpu_figures.py FOLDER ISA ...")
    folder, isas = sys.argv[1], sys.argv[2:]
    for shape in SHAPES:
        show_speed(folder, shape, isas)
        show_rest(folder, shape, isas)


main()
