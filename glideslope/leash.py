"""Runs a module whose process must not outlive the one that started it.

`python -m glideslope.leash MODULE` runs MODULE as `python -m MODULE` would. Its standard input is
a pipe that the starter holds open and never writes to. When the starter is gone, however it went,
the operating system closes the pipe and this process kills itself. Works wherever there are pipes;
Linux's PR_SET_PDEATHSIG would need no thread, but is Linux's alone and follows a thread's death.

It kills itself rather than drain because the broker goes with the starter, and because a crash
loses nothing: what was not committed is handled again.
"""

import os
import runpy
import signal
import sys
import threading


def _die_with_starter() -> None:
    while os.read(0, 1024):
        pass  # nothing is ever sent; end of file is the message
    os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    """Run the module named by the first argument, on a leash."""
    del sys.argv[0]
    module = sys.argv[0]
    threading.Thread(target=_die_with_starter, name="leash", daemon=True).start()
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
