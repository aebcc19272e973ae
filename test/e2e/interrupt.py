"""interrupt.py SIGNAL parent|child FOLDER COMMAND ...: COMMAND starts a child that prints its process id and waits. SIGNAL is sent
to the one or the other. Both end; where the parent was not killed, nothing is left in FOLDER, which is their TMPDIR. Prints how the
command ended."""

import os
import signal
import subprocess
import sys
import time


def is_running(process):
    try:
        with open(f"/proc/{process}/stat", encoding="utf-8") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def as_from_a_terminal():
    """Signals that whoever runs the test ignores would be ignored here, too."""
    for number in signal.SIGHUP, signal.SIGINT, signal.SIGTERM:
        signal.signal(number, signal.SIG_DFL)


def main():
    number, whom, folder = signal.Signals[sys.argv[1]], sys.argv[2], sys.argv[3]
    os.makedirs(folder)
    command = subprocess.Popen(sys.argv[4:], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               env={**os.environ, "TMPDIR": folder}, preexec_fn=as_from_a_terminal)
    child = int(command.stdout.readline())
    assert child != command.pid, "the plugin runs in the command's own process"
    os.kill(child if whom == "child" else command.pid, number)
    deadline = time.monotonic() + 120
    try:
        errors = command.communicate(timeout=120)[1]
    finally:
        command.kill()
    while is_running(child):
        assert time.monotonic() < deadline, "the child outlives its parent"
        time.sleep(0.05)
    if (number, whom) != (signal.SIGKILL, "parent"):
        assert os.listdir(folder) == [], f"left: {os.listdir(folder)}"
    ended = command.returncode
    print(f"{signal.Signals(-ended).name if ended < 0 else ended}: {errors}".rstrip())


main()
