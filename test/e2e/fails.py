"""fails.py COMMAND ...: the command ends with exit code 1, one line on standard error that begins with "error: ", and
nothing on standard output. Prints the line."""

import subprocess
import sys


def main():
    done = subprocess.run(sys.argv[1:], capture_output=True, text=True, check=False)
    assert done.returncode == 1, f"exit code {done.returncode}: {done.stderr}"
    assert done.stdout == "", f"on standard output: {done.stdout}"
    assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1, f"not one error: {done.stderr}"
    print(done.stderr, end="")


main()
