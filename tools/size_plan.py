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
    return {"offset": 64 * index, "extent": 64, "region": 1, "access": 3, "move": 0 if moving else NONE8}


def _kernel(index):
    return {"entry": 64 * index, "est_cycles": 0, "stack": 0, "blob": 0, "n_args": ARGUMENTS}


def _steps(dispatches):
    steps = [{"op": "Dispatch", "queue": 0, "a": i % KERNELS, "b": ARGUMENTS * i} for i in range(dispatches)]
    return steps + [{"op": "End", "queue": 0, "a": 0, "b": 0}]


def document(dispatches, moving, data_offset):
    """The plan as flatc reads it; every dispatch has argument entries of its own, none equal to its neighbour's."""
    code = 64 * KERNELS
    arguments = [(7 * i + i // OPERANDS) % OPERANDS for i in range(ARGUMENTS * dispatches)]
    region = {"name": 0, "align_log2": 6, "reserved": 0}
    zeros = {f"w{i}": 0 for i in range(4)}
    return {
        "producer": "tools/runtime-size",
        "targets": [{"config": zeros, "backend": 0, "device": 0, "variant": NONE16, "abi": 1, "driver_min": 0, "reserved": 0}],
        "regions": [dict(region, size=code, kind="FlashXip", lifetime="Constant", access=5),
                    dict(region, size=DATA, kind="Sram", lifetime="Session", access=15)],
        "segments": [{"offset": data_offset, "size": code, "region_offset": 0, "digest": NONE32, "name": 0, "region": 0, "flags": 0,
                      "reserved": 0, "kind": "Kernel", "align_log2": 6, "codec": 0, "chunk_log2": 0}],
        "params": [{"max": 255, "imm": 0, "kind": kind, "a": NONE8, "b": NONE8, "reserved": 0}
                   for kind in ("Input", "Input", "KvLen")],
        "moves": [{"offset": 0, "extent": 0, "stride0": 64, "stride1": 0, "stride2": 0, "param0": 0, "param1": NONE8,
                   "param2": NONE8, "reserved": 0}],
        "operands": [_operand(i, moving) for i in range(OPERANDS)],
        "args": arguments,
        "blobs": [{"offset": 0, "size": code, "segment": 0, "target": 0}],
        "kernels": [_kernel(i) for i in range(KERNELS)],
        "queues": [{"target": 0, "index": 0}],
        "steps": _steps(dispatches),
        "states": [{"offset": 0, "max_tokens": 256, "window": 0, "token_stride": 64, "head_stride": 64, "layer_stride": 64,
                    "layout_hash": 1, "region": 1, "layers": DATA // 64 - 255, "heads": 1, "head_dim": 16, "scale_state": NONE16,
                    "kind": "KvFlat", "role": "Key", "dtype": "F32", "reserved0": 0, "reserved1": 0}],
        "entries": [{"first_step": 0, "n_steps": dispatches + 1, "chunk": 1, "pos_max": 254, "row_max": 0, "vocab": 0, "name": 0,
                     "variant": NONE16, "first_tensor": 0, "first_state": 0, "n_states": 1, "n_inputs": 0, "n_outputs": 0,
                     "kind": "Generic", "target_mask": 1, "row_param": NONE8, "reserved": 0}],
        "text": "none",
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
    fields = (b"LLMCPLAN", 0, 3, 80, data_offset + len(code), 80, len(flat), data_offset, 0, 0, 0)
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


STEPS, ENTRIES = 14, 18
DISPATCH, LOOP_BEGIN, LOOP_END, LOOP_PARAM = 1, 8, 9, 15
DECODE, HEAD = 3, 4


def decoded_dispatches(data):
    """Dispatches executed for one decoded token: those of decode and of the head of one row, loops counted in full."""
    plan = Records(data)
    steps, _ = plan.root(STEPS)
    entries, n = plan.root(ENTRIES)
    total = 0
    for i in range(n):
        first, count, rows = struct.unpack_from("<III", plan.flat, entries + 40 * i)
        if plan.flat[entries + 40 * i + 36] not in (DECODE, HEAD) or rows != 1:
            continue
        times = [1]
        for at in range(first, first + count):
            op, _, a, _ = struct.unpack_from("<BBHI", plan.flat, steps + 8 * at)
            if op in (LOOP_BEGIN, LOOP_PARAM):  # a count that a parameter gives: at least one round
                times.append(times[-1] * (a if op == LOOP_BEGIN else 1))
            elif op == LOOP_END:
                times.pop()
            elif op == DISPATCH:
                total += times[-1]
    return plan.flat_bytes, total
