"""What every lint shares: the files of the tree, findings, and the command line."""

import argparse
import os
import pathlib
import subprocess
import sys
from typing import Callable, Iterable, List, NamedTuple

CXX_SUFFIXES = (".h", ".hpp", ".c", ".cc", ".cpp")


class Finding(NamedTuple):
    path: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}"


class Tree:
    """The files of a source tree: what git knows or would add, else all files outside build folders."""

    def __init__(self, root: pathlib.Path):
        self.root = root
        self.files = sorted(f for f in self._list() if (root / f).is_file())

    def _list(self) -> Iterable[str]:
        if (self.root / ".git").exists():
            # A checkout that belongs to another user is read all the same.
            command = ["git", "-c", "safe.directory=*", "-C", str(self.root), "ls-files", "-z", "--cached", "--others",
                       "--exclude-standard"]
            output = subprocess.run(command, check=True, capture_output=True).stdout.decode()
            return {name for name in output.split("\0") if name}
        return self._walk()

    def _walk(self) -> Iterable[str]:
        for folder, subfolders, names in os.walk(self.root):
            subfolders[:] = [s for s in subfolders if not s.startswith((".", "build", "__pycache__"))]
            for name in names:
                yield (pathlib.Path(folder) / name).relative_to(self.root).as_posix()

    def select(self, *suffixes: str) -> List[str]:
        return [f for f in self.files if f.endswith(suffixes) and not f.startswith("test/data/")]

    def read(self, path: str) -> str:
        return (self.root / path).read_text(encoding="utf-8", errors="replace")


def line_of(text: str, offset: int) -> int:
    return text.count("\n", 0, offset) + 1


def within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder + "/")


def repository_root() -> pathlib.Path:
    return pathlib.Path(__file__).resolve().parents[2]


def main(check: Callable[[Tree], List[Finding]], about: str) -> None:
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--root", type=pathlib.Path, default=repository_root(), help="tree to check")
    findings = check(Tree(parser.parse_args().root))
    for finding in findings:
        print(finding)
    sys.exit(1 if findings else 0)
