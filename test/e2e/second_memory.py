"""second_memory.py BASE NAME MEMORY COPY KIND: the machine description BASE as NAME, whose weights are in COPY, a memory like MEMORY of another
kind, on standard output."""

import json
import sys

base, name, memory, copy, kind = sys.argv[1:]
with open(base, encoding="utf-8") as file:
    machine = json.load(file)
like = next(item for item in machine["memories"] if item["name"] == memory)
machine["memories"].append({**like, "name": copy, "kind": kind})
machine["name"] = name
machine["placement"]["weights"] = copy
json.dump(machine, sys.stdout)
