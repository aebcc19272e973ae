"""patch.py FILE OLD NEW: the bytes OLD, which must occur, become NEW of the same length wherever they occur.
patch.py FILE @OFFSET HEX: the bytes at OFFSET become those of HEX. Both change the file in place."""

import sys


def main():
    path, what, new = sys.argv[1:]
    with open(path, "rb") as file:
        data = file.read()
    if what.startswith("@"):
        at, bytes_ = int(what[1:]), bytes.fromhex(new)
        assert at + len(bytes_) <= len(data), "beyond the end"
        data = data[:at] + bytes_ + data[at + len(bytes_):]
    else:
        old, bytes_ = (text.encode().decode("unicode_escape").encode("latin-1") for text in (what, new))
        assert old in data and len(old) == len(bytes_), "not there, or of another length"
        data = data.replace(old, bytes_)
    with open(path, "wb") as file:
        file.write(data)


main()
