"""damage.py PLAN DESCRIPTION FOLDER: copies of a plan that are cut off or differ in one bit. The description is that of
llmc inspect."""

import json
import os
import sys


def main():
    with open(sys.argv[1], "rb") as file:
        plan = file.read()
    with open(sys.argv[2], encoding="utf-8") as file:
        segments = json.load(file)["segments"]

    def write(name, data):
        with open(os.path.join(sys.argv[3], f"{name}.llmc"), "wb") as out:
            out.write(data)

    def damage(name, at):
        write(name, plan[:at] + bytes([plan[at] ^ 0x10]) + plan[at + 1:])

    write("empty", b"")
    write("header", plan[:40])
    write("cut", plan[:-1])
    damage("records", 200)
    for kind in "kernels", "tokenizer", "weights":
        for segment in [s for s in segments if s["kind"] == kind][:1]:
            damage(kind, segment["file_offset"] + segment["bytes"] // 2)


main()
