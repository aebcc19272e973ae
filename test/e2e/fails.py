"""fails.py [--details] COMMAND ...: the command ends with exit code 1, one line on standard error that begins with
"error: ", and nothing on standard output. With --details, warnings may stand before the error and more lines behind it.
Prints the error."""

import subprocess
import sys


def main():
    details = sys.argv[1] == "--details"
    done = subprocess.run(sys.argv[2 if details else 1:], capture_output=True, text=True, check=False)
    assert done.returncode == 1, f"exit code {done.returncode}: {done.stderr}"
    assert done.stdout == "", f"on standard output: {done.stdout}"
    error = done.stderr
    if details:
        warnings, _, error = ("\n" + done.stderr).partition("\nerror: ")
        assert not warnings or warnings.startswith("\nwarning: "), f"neither warning nor error: {done.stderr}"
        assert "\nerror: " not in error, f"not one error: {done.stderr}"
        error = "error: " + error
    else:
        assert error.count("\n") == 1, f"not one line: {error}"
    assert error.startswith("error: ") and error.rstrip() + "\n" == error != "error: \n", f"not one error: {done.stderr}"
    print(error, end="")


main()
