import os
import signal
import subprocess
import sys
from contextlib import suppress

from glideslope.kafka import guard

# A program that says that it runs, and what stopped it. `trap` keeps it from dying of SIGTERM.
SAYS = "trap 'echo stopped; exit 0' TERM; echo running; while :; do sleep 0.05; done"
STUBBORN = "trap '' TERM; echo running; while :; do sleep 0.05; done"


def guarded(script: str, grace: float = 5) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-I", "-S", guard.__file__, str(grace), "/bin/sh", "-c", script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def pid_of(program: subprocess.Popen[str]) -> int:
    assert program.stdout is not None
    return int(program.stdout.readline())


def wait_until_it_runs(program: subprocess.Popen[str]) -> None:
    assert program.stderr is not None
    assert program.stderr.readline() == "running\n"


def has_ended(pid: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(pid, 0)
        return False
    return True


def test_the_program_is_asked_to_stop_when_the_input_ends() -> None:
    with guarded(SAYS) as program:
        pid = pid_of(program)
        wait_until_it_runs(program)
        _, said = program.communicate(timeout=10)
    assert said == "stopped\n"
    assert program.returncode == 0
    assert has_ended(pid)


def test_a_program_that_does_not_stop_within_the_grace_period_is_killed() -> None:
    with guarded(STUBBORN, grace=0.2) as program:
        pid = pid_of(program)
        wait_until_it_runs(program)
        program.communicate(timeout=10)
    assert program.returncode == 128 + signal.SIGKILL
    assert has_ended(pid)


def test_the_programs_exit_code_becomes_the_guards() -> None:
    with guarded("exit 7") as program:
        assert program.wait(timeout=10) == 7
