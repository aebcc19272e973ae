"""versions.py FOLDER: from a plan of the newest format in FOLDER, copies of a newer format, of an older one, of a newer one cut off behind the
header, and one that needs an unknown feature."""

import pathlib
import struct
import sys


def main():
    folder = pathlib.Path(sys.argv[1])
    plans = (path.read_bytes() for path in folder.glob("*.llmc"))
    plan = bytearray(max(plans, key=lambda data: struct.unpack_from("<HH", data, 8)))

    def write(name, *patches, size=None):
        data = bytearray(plan)
        for layout, at, *values in patches:
            struct.pack_into(layout, data, at, *values)
        (folder / name).write_bytes(data[:size])

    write("newer.llmc", ("<HH", 8, 9, 7))
    write("older.llmc", ("<HH", 8, 0, 0))
    write("nobody.llmc", ("<HH", 8, 9, 7), size=100)
    # The first field of the root table.
    start = struct.unpack_from("<Q", plan, 24)[0]
    root = start + struct.unpack_from("<I", plan, start)[0]
    vtable = root - struct.unpack_from("<i", plan, root)[0]
    features = root + struct.unpack_from("<H", plan, vtable + 4)[0]
    write("feature.llmc", ("<Q", features, struct.unpack_from("<Q", plan, features)[0] | 1 << 40))


main()
