#!/usr/bin/env python3
"""Builds a firmware example on the installed runtime and runs it in QEMU, once for each recipe; then memory/ on the same board.

The plan for the board and one for this machine come from the same model and recipe; the tokens and logits of the latter
are what the firmware must arrive at, bit for bit. Exits with 77 and a word where a tool is missing.
"""
import argparse
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "runtime/examples"))
from expected import call, header  # noqa: E402

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
    parser.add_argument("--paged", action="store_true", help="also with a quarter of the weights in memory")
    parser.add_argument("--checked", action="store_true", help="also with pages compared with their digests")
    parser.add_argument("--foreign", required=True, help="a target whose plans the board must refuse")
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


def build(options, project, folder, *settings):
    examples = Path(options.source) / "runtime/examples"
    call(options.cmake, "-S", project, "-B", folder, "-G", "Ninja",
         f"--toolchain={examples}/toolchains/{options.toolchain}.cmake", f"-DCMAKE_PREFIX_PATH={options.prefix}", *settings)
    call(options.cmake, "--build", folder)
    call(sys.executable, Path(options.source) / "tools/lint/runtime_objects.py", *folder.glob("libllmc-runtime*.a"))


def emulate(board, elf, plan):
    # An instruction takes 2^shift ns, whatever the emulator's speed: an instruction is 1.024 ticks of AN547's 32 MHz timer
    # and 0.8 of AN385's 25 MHz timer; the RISC-V core counts instructions.
    loader = f"loader,file={plan},addr={board['flash']:#x},force-raw=on"
    command = [*board["qemu"], *QEMU, "-icount", f"shift={board['shift']}", "-kernel", elf, "-device", loader]
    result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300)
    print(f"--- {plan.name}\n{result.stdout}{result.stderr}", flush=True)
    return result


def compilePlan(options, work, target, recipe, *more, context=512, name=""):
    plan = work / f"{target}-{recipe}-{context}{name}.llmc"
    call(options.llmc, "compile", Path(options.model) / "decomposed-torchscript.onnx", f"--target={target}",
         f"--quant={recipe}", f"--context={context}", "-o", plan, *more)
    return plan


def runRecipe(options, board, work, recipe, tokens):
    """The firmware and the plan it ran."""
    case = json.loads((Path(options.model) / "greedy-fp32.json").read_text())[options.case]
    host = compilePlan(options, work, "x86-64", recipe)
    plan = compilePlan(options, work, board["target"], recipe)
    writeIfChanged(work / "expected.h", header(options.llmc, host, case["prompt"], tokens))
    build(options, Path(options.source) / "runtime/examples" / options.board, work / "build",
          f"-DLLMC_EXPECTED={work / 'expected.h'}")
    elf = work / "build" / f"{options.board}.elf"
    return elf, plan, ticksOf(checkSuccess(board, elf, plan), tokens)


def checkMemory(options, board, work, recipe):
    """Memory a word short is refused, and a whole context of tokens takes every byte that is stated."""
    build(options, Path(options.source) / "test/firmware/memory", work / "memory", f"-DBOARD={options.board}",
          f"-DLLMC_EXAMPLES={options.source}/runtime/examples")
    report = work / "report.json"
    checkSuccess(board, work / "memory/memory.elf",
                 compilePlan(options, work, board["target"], recipe, f"--report={report}", context=32))
    if options.paged:
        budget = regionBytes(report)["weights"] // 4
        checkSuccess(board, work / "memory/memory.elf",
                     compilePlan(options, work, board["target"], recipe, f"--weight-budget={budget}", context=32, name="-paged"))


def checkSuccess(board, elf, plan):
    result = emulate(board, elf, plan)
    if result.returncode or "\nOK: " not in result.stdout:
        sys.exit(f"{elf.name} with {plan.name}: exit code {result.returncode}")
    return result.stdout


def ticksOf(output, tokens):
    """From the prompt to the last token."""
    prompt, each = map(int, re.search(r"^ticks: prompt of \d+ tokens (\d+), then per token (\d+)", output, re.MULTILINE).groups())
    return prompt + (tokens - 1) * each


def flashTicks(reads, size):
    """How long the flash is busy: runtime/examples/common/flash.h."""
    return 320 * reads + size // 2


def regionBytes(report):
    return {region["name"]: region["bytes"] for region in json.loads(report.read_text())["regions"]}


def runPaged(options, board, work, elf, recipe, tokens, ticks):
    """The same tokens with a quarter of the weights in memory: pages are read while kernels run, so that all of it takes hardly
    longer than the kernels alone (`ticks`), or the flash alone."""
    report = work / "report.json"
    compilePlan(options, work, board["target"], recipe, f"--report={report}")
    budget = regionBytes(report)["weights"] // 4
    plan = compilePlan(options, work, board["target"], recipe, f"--weight-budget={budget}", f"--report={report}",
                       name="-paged")
    regions = regionBytes(report)
    used = regions["pages"] + regions["weights"]
    result = emulate(board, elf, plan)
    found = re.search(r"^paging: (\d+) reads, (\d+) bytes; (\d+) of (\d+) kernels while one was under way; "
                      r"stalled (\d+) times, (\d+) ticks", result.stdout, re.MULTILINE)
    if result.returncode or "\nOK: " not in result.stdout or not found:
        sys.exit(f"{plan.name}: exit code {result.returncode}")
    reads, size, overlapped, kernels, stalls, stalled = map(int, found.groups())
    if used > budget or not reads or overlapped * 10 < kernels * 9:
        sys.exit(f"{plan.name}: {used} bytes of {budget} for weights, reads under way in {overlapped} of {kernels} kernels")
    took, alone = ticksOf(result.stdout, tokens), max(ticks, flashTicks(reads, size))
    print(f"{took} ticks with paging, {ticks} without, {flashTicks(reads, size)} for the flash alone, {stalled} stalled", flush=True)
    if took > 1.2 * alone or stalled > took or (stalls == 0) != (stalled == 0):
        sys.exit(f"{plan.name}: {took} ticks, {alone} without waiting for one another; stalled {stalls} times, {stalled} ticks")


def runSerial(options, board, work):
    """A machine whose flash has no addresses: code and norms are loaded, and the budget is what RAM leaves. The firmware of the
    last recipe runs it."""
    report = work / "report.json"
    elf = work / "build" / f"{options.board}.elf"
    recipe = options.recipes.split(",")[-1]
    plan = compilePlan(options, work, board["target"] + "-serial", recipe, f"--report={report}")
    if not {"pages", "paged_weights"} <= regionBytes(report).keys():
        sys.exit(f"{plan.name}: nothing is paged")
    checkSuccess(board, elf, plan)


def runChecked(options, board, work, recipe):
    """Pages are compared with their digests as they are read: the same tokens, and a flipped bit is found."""
    case = json.loads((Path(options.model) / "greedy-fp32.json").read_text())[options.case]
    writeIfChanged(work / "expected-checked.h",
                   header(options.llmc, work / f"x86-64-{recipe}-512.llmc", case["prompt"], 2))
    build(options, Path(options.source) / "runtime/examples" / options.board, work / "checked",
          f"-DLLMC_EXPECTED={work / 'expected-checked.h'}", "-DLLMC_CHECK_PAGES=ON")
    elf = work / "checked" / f"{options.board}.elf"
    plan = work / f"{board['target']}-{recipe}-512-paged.llmc"
    checkSuccess(board, elf, plan)
    paged = next(segment for segment in json.loads(call(options.llmc, "inspect", plan, "--json"))["segments"]
                 if segment["name"] == "paged_weights")
    at = paged["bytes"] // 2
    content = bytearray(plan.read_bytes())
    content[paged["file_offset"] + at] ^= 0x20
    damaged = work / "damaged-page.llmc"
    damaged.write_bytes(content)
    call(options.llmc, "inspect", damaged)
    checkRefusal(board, elf, damaged, "error: prompt: code 24 at 6, ")


def checkRefusal(board, elf, plan, message):
    result = emulate(board, elf, plan)
    if result.returncode != 2 or message not in result.stdout:
        sys.exit(f"{plan.name}: exit code {result.returncode}, not 2 with '{message}'")


def main():
    options = parse()
    board = BOARDS[options.board]
    requireTools(board, options.toolchain)
    work = Path(options.work)
    work.mkdir(parents=True, exist_ok=True)
    recipes = options.recipes.split(",")
    # The first recipe writes the text; others have other kernels, of which a few tokens run every one.
    for recipe, tokens in zip(recipes, [options.tokens] + [4] * len(recipes)):
        elf, plan, ticks = runRecipe(options, board, work, recipe, tokens)
        if options.paged:
            runPaged(options, board, work, elf, recipe, tokens, ticks)
    if options.checked:
        runChecked(options, board, work, recipes[0])
        runSerial(options, board, work)
    checkRefusal(board, elf, compilePlan(options, work, options.foreign, recipes[0]), "error: bind: code 21 ")
    content = bytearray(plan.read_bytes())
    content[100] ^= 0xFF  # in the plan's FlatBuffer
    damaged = work / "damaged.llmc"
    damaged.write_bytes(content)
    checkRefusal(board, elf, damaged, "error: open: ")
    checkMemory(options, board, work, recipes[0])


if __name__ == "__main__":
    main()
