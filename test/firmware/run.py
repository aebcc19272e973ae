#!/usr/bin/env python3
"""Builds a firmware example on the installed runtime and runs it in QEMU, once for each recipe.

The plan for the board and one for this machine come from the same model and recipe; the tokens and logits of the latter
are what the firmware must arrive at, bit for bit. Exits with 77 and a word where a tool is missing.
"""
import argparse
import json
import shutil
import subprocess
import sys
from pathlib import Path

from expected import call, header

QEMU = ["-nographic", "-monitor", "none", "-serial", "stdio", "-semihosting-config", "enable=on,target=native"]
BOARDS = {
    "mps3-an547": dict(target="cortex-m55", flash=0x70000000, shift=5, qemu=["qemu-system-arm", "-M", "mps3-an547"]),
    "mps2-an385": dict(target="cortex-m3", flash=0x21000000, shift=5, qemu=["qemu-system-arm", "-M", "mps2-an385"]),
    "riscv-virt": dict(target="riscv32", flash=0x84000000, shift=0,
                       qemu=["qemu-system-riscv32", "-M", "virt", "-bios", "none"]),
}
TOOLS = {
    "cortex-m55-clang": ["clang++-22", "ld.lld-22", "arm-none-eabi-gcc"],
    "cortex-m55-gcc": ["arm-none-eabi-g++"],
    "cortex-m3-gcc": ["arm-none-eabi-g++"],
    "riscv32-gcc": ["riscv64-unknown-elf-g++"],
}


def parse():
    parser = argparse.ArgumentParser()
    for name in ("llmc", "source", "prefix", "work", "board", "toolchain", "cmake", "model"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--recipes", required=True, help="names with commas between")
    parser.add_argument("--tokens", type=int, required=True)
    parser.add_argument("--case", type=int, default=0, help="prompt of the model's greedy-fp32.json")
    return parser.parse_args()


def requireTools(board, toolchain):
    for tool in [board["qemu"][0], *TOOLS[toolchain]]:
        if not shutil.which(tool):
            print(f"skipped: no {tool}")
            sys.exit(77)


def writeIfChanged(path, text):
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def build(options, work):
    examples = Path(options.source) / "runtime/examples"
    call(options.cmake, "-S", examples / options.board, "-B", work / "build", "-G", "Ninja",
         f"--toolchain={examples}/toolchains/{options.toolchain}.cmake", f"-DCMAKE_PREFIX_PATH={options.prefix}",
         f"-DLLMC_EXPECTED={work / 'expected.h'}")
    call(options.cmake, "--build", work / "build")
    return work / "build" / f"{options.board}.elf"


def runRecipe(options, board, work, recipe):
    model = Path(options.model)
    case = json.loads((model / "greedy-fp32.json").read_text())[options.case]
    plans = {}
    for target in ("x86-64", board["target"]):
        plans[target] = work / f"{target}-{recipe}.llmc"
        call(options.llmc, "compile", model / "decomposed-torchscript.onnx", f"--target={target}", f"--quant={recipe}",
             "-o", plans[target])
    writeIfChanged(work / "expected.h", header(options.llmc, plans["x86-64"], case, options.tokens))
    elf = build(options, work)
    loader = f"loader,file={plans[board['target']]},addr={board['flash']:#x},force-raw=on"
    # An instruction takes 2^shift ns, whatever the emulator's speed: an instruction is 1.024 ticks of AN547's 32 MHz timer
    # and 0.8 of AN385's 25 MHz timer; the RISC-V core counts instructions.
    command = [*board["qemu"], *QEMU, "-icount", f"shift={board['shift']}", "-kernel", elf, "-device", loader]
    result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300)
    print(f"--- {recipe}\n{result.stdout}{result.stderr}", flush=True)
    if result.returncode or "\nOK: " not in result.stdout:
        sys.exit(f"{options.board} with {recipe}: exit code {result.returncode}")


def main():
    options = parse()
    board = BOARDS[options.board]
    requireTools(board, options.toolchain)
    work = Path(options.work)
    work.mkdir(parents=True, exist_ok=True)
    for recipe in options.recipes.split(","):
        runRecipe(options, board, work, recipe)


if __name__ == "__main__":
    main()
