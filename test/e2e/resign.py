"""resign.py PLAN LAST NONE MOVED: copies of a signed plan: the last byte of the signature changed; the header without
the signature; the header with it 16 bytes earlier."""

import struct
import sys


def main():
    plan, last, none, moved = sys.argv[1:]
    with open(plan, "rb") as file:
        data = bytearray(file.read())
    offset, size = struct.unpack_from("<QI", data, 48)
    assert size == 64 and offset + size == len(data), "not signed"
    for path, at, value in ((last, len(data) - 1, bytes([data[-1] ^ 1])), (none, 48, bytes(12)),
                            (moved, 48, struct.pack("<Q", offset - 16))):
        changed = bytearray(data)
        changed[at:at + len(value)] = value
        with open(path, "wb") as file:
            file.write(changed)


main()
