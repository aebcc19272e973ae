"""damage.py PLAN FOLDER: copies of a plan that are cut off or differ in one bit."""

import os
import sys


def main():
    with open(sys.argv[1], "rb") as file:
        plan = file.read()

    def write(name, data):
        with open(os.path.join(sys.argv[2], name), "wb") as out:
            out.write(data)

    write("empty.llmc", b"")
    write("header.llmc", plan[:40])
    write("cut.llmc", plan[:-1])
    for name, at in ("records", 200), ("middle", len(plan) // 2), ("late", len(plan) * 99 // 100):
        write(f"{name}.llmc", plan[:at] + bytes([plan[at] ^ 0x10]) + plan[at + 1:])


main()
