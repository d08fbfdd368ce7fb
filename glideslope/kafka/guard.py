"""Runs a program that must not outlive the process that started it.

Run as a script: `python guard.py GRACE_SECONDS PROGRAM ARGUMENT…`. Standard input is a pipe that
the starter holds open and never writes to: when the starter is gone, however it went, the operating
system closes the pipe, and the program is asked to stop (SIGTERM) and after the grace period made
to (SIGKILL). The program's process id goes to standard output, what the program prints to standard
error, and its exit code becomes this one's. Imports nothing but the standard library.
"""

import os
import subprocess
import sys
import threading


def _stop_at_end_of_input(program: subprocess.Popen[bytes], grace: float) -> None:
    while os.read(0, 1024):
        pass  # nothing is ever sent; end of file is the message
    program.terminate()
    try:
        program.wait(grace)
    except subprocess.TimeoutExpired:
        program.kill()


def main() -> None:
    """Run the program named on the command line until it ends or standard input does."""
    grace, command = float(sys.argv[1]), sys.argv[2:]
    # Open files are passed on: an inherited lock is then held for as long as the program runs.
    program = subprocess.Popen(  # noqa: S603 - the starter's own command
        command, stdin=subprocess.DEVNULL, stdout=2, close_fds=False
    )
    os.write(1, b"%d\n" % program.pid)
    threading.Thread(target=_stop_at_end_of_input, args=(program, grace), daemon=True).start()
    code = program.wait()
    # Past the interpreter's clean-up: the thread may be blocked in a read.
    os._exit(128 - code if code < 0 else code)


if __name__ == "__main__":
    main()
