"""A plan of many dispatches, for the figures of the runtime: the FlatBuffer by flatc, the header here."""

import hashlib
import json
import pathlib
import struct
import subprocess

NONE8, NONE16, NONE32 = 0xFF, 0xFFFF, 0xFFFFFFFF
DATA = 32768     # bytes of each of the two regions
KERNELS = 12
OPERANDS = 64
ARGUMENTS = 4


def _operand(index, moving):
    return {"offset": 64 * index, "extent": 64, "stride0": 64 if moving else 0, "stride1": 0, "stride2": 0, "region": 1,
            "buffer": 1, "access": 3, "param0": 0 if moving else NONE8, "param1": NONE8, "param2": NONE8,
            "flags": 0 if moving else 1, "reserved0": 0, "reserved1": 0}


def _kernel(index, code):
    return {"offset": 64 * index, "size": 64, "entry": 0, "est_cycles": 0, "stack_bytes": 0, "name": NONE32, "segment": 0,
            "target": 0, "abi": 1, "n_args": ARGUMENTS, "reserved": 0}


def _steps(dispatches):
    steps = [{"op": "Dispatch", "queue": 0, "flags": 0, "a": i % KERNELS, "b": ARGUMENTS * i, "c": ARGUMENTS}
             for i in range(dispatches)]
    return steps + [{"op": "End", "queue": 0, "flags": 0, "a": 0, "b": 0, "c": 0}]


def document(dispatches, moving, data_offset):
    """The plan as flatc reads it; every dispatch has argument entries of its own, none equal to its neighbour's."""
    code = 64 * KERNELS
    arguments = [(7 * i + i // OPERANDS) % OPERANDS for i in range(ARGUMENTS * dispatches)]
    region = {"name": 0, "align_log2": 6}
    return {
        "producer": "tools/runtime-size",
        "targets": [{"backend": "none", "device": "none", "abi": 1}],
        "regions": [dict(region, size=code, kind="FlashXip", lifetime="Constant", access=5),
                    dict(region, size=DATA, kind="Sram", lifetime="Session", access=15)],
        "segments": [{"offset": data_offset, "size": code, "region_offset": 0, "digest": NONE32, "name": 0, "key": NONE32,
                      "region": 0, "flags": 0, "kind": "Kernel", "align_log2": 6, "codec": 0, "chunk_log2": 0, "reserved": 0}],
        "buffers": [{"offset": 0, "size": code, "name": NONE32, "region": 0, "segment": 0},
                    {"offset": 0, "size": DATA, "name": NONE32, "region": 1, "segment": NONE16}],
        "operands": [_operand(i, moving) for i in range(OPERANDS)],
        "args": arguments,
        "params": [{"max": 255, "imm": 0, "kind": kind, "a": NONE8, "b": NONE8, "reserved": 0}
                   for kind in ("Input", "Input", "KvLen")],
        "kernels": [_kernel(i, code) for i in range(KERNELS)],
        "queues": [{"target": 0, "index": 0}],
        "steps": _steps(dispatches),
        "states": [{"max_tokens": 256, "window": 0, "token_stride": 64, "head_stride": 64, "layer_stride": 64, "layout_hash": 1,
                    "buffer": 1, "layers": 1, "heads": 1, "head_dim": 16, "page_tokens": 0, "scale_state": NONE16,
                    "kind": "KvFlat", "role": "Key", "dtype": "F32", "reserved": 0}],
        "entries": [{"name": "run", "chunk": 1, "pos_max": 254, "first_step": 0, "n_steps": dispatches + 1, "states": [0],
                     "target_mask": 1, "vocab": 0, "peak_bytes": [code, DATA]}],
        "strings": ["all"],
    }


def plan_file(schema: pathlib.Path, folder: pathlib.Path, dispatches: int, moving: bool) -> bytes:
    """The bytes of a plan with one entry of that many dispatches of four operands, all static or all moving with a
    parameter."""
    source, binary = folder / "plan.json", folder / "plan.bin"
    size = 0
    for _ in range(2):  # the offset of the data follows from the size of the plan
        data_offset = (80 + size + 63) // 64 * 64
        source.write_text(json.dumps(document(dispatches, moving, data_offset)), encoding="utf-8")
        subprocess.run(["flatc", "-b", "-o", str(folder), str(schema), str(source)], check=True)
        flat = binary.read_bytes()
        size = len(flat)
    code = bytes(64 * KERNELS)
    fields = (b"LLMCPLAN", 0, 2, 80, data_offset + len(code), 80, len(flat), data_offset, 0, 0, 0)
    bare = struct.pack("<8sHHIQQQQQII16x", *fields)
    root = hashlib.sha256(hashlib.sha256(bare).digest() + hashlib.sha256(flat).digest()).digest()[:16]
    return bare[:64] + root + flat + bytes(data_offset - 80 - len(flat)) + code


class Records:
    """The vectors of the plan in a file, by the numbers of their fields in the schema."""

    def __init__(self, data):
        begin, self.flat_bytes = struct.unpack_from("<QQ", data, 24)
        self.flat = data[begin:begin + self.flat_bytes]

    def word(self, at, kind="<I"):
        return struct.unpack_from(kind, self.flat, at)[0]

    def field(self, table, number):
        vtable = table - self.word(table, "<i")
        slot = 4 + 2 * number
        inner = self.word(vtable + slot, "<H") if slot < self.word(vtable, "<H") else 0
        return table + inner if inner else None

    def follow(self, at):
        return at + self.word(at)

    def root(self, number):
        """First element of a vector of the root table, and their number."""
        at = self.follow(self.field(self.follow(0), number))
        return at + 4, self.word(at)


STEPS, ENTRIES = 13, 15
DISPATCH, LOOP_BEGIN, LOOP_END = 1, 8, 9
DECODE, HEAD = 3, 4


def decoded_dispatches(data):
    """Dispatches executed for one decoded token: those of decode and of the head of one row, loops counted in full."""
    plan = Records(data)
    steps, _ = plan.root(STEPS)
    entries, n = plan.root(ENTRIES)
    total = 0
    for i in range(n):
        entry = plan.follow(entries + 4 * i)
        kind, chunk, first, count = (plan.field(entry, number) for number in (1, 2, 4, 5))
        rows = plan.word(chunk) if chunk else 0
        if (plan.flat[kind] if kind else 0) not in (DECODE, HEAD) or rows != 1:
            continue
        begin, times = plan.word(first) if first else 0, [1]
        for at in range(begin, begin + plan.word(count)):
            op, _, flags, _, b, _ = struct.unpack_from("<BBHIII", plan.flat, steps + 16 * at)
            if op == LOOP_BEGIN:
                times.append(times[-1] * (1 if flags else b))  # a count that a parameter gives: at least one round
            elif op == LOOP_END:
                times.pop()
            elif op == DISPATCH:
                total += times[-1]
    return plan.flat_bytes, total
