"""machine.py BASE KEY=VALUE ...: the machine description BASE with other values, on standard output. A key is a path of
names, as in memories.sram.bytes; lists of memories are searched by name."""

import json
import sys


def child(node, key):
    return next(item for item in node if item["name"] == key) if isinstance(node, list) else node[key]


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        machine = json.load(file)
    for change in sys.argv[2:]:
        path, text = change.split("=", 1)
        *parents, last = path.split(".")
        node = machine
        for key in parents:
            node = child(node, key)
        value = child(node, last)
        if isinstance(value, dict):
            value["value"] = int(text)
        else:
            node[last] = text
    json.dump(machine, sys.stdout)


main()
