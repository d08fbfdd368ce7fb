"""Each system call by which an append changes the disk fails, or is the last of its process.

strace makes the n-th call of a kind fail, or kills the process at it, for every n that there is.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from glideslope.audit.findings import Verdict
from glideslope.audit.objects import FolderObjects
from glideslope.audit.verification import Verification
from services.audit.adapters.keys import LocalKeys
from services.audit.adapters.stores import open_store, read
from tests.chaos.conftest import FULL
from tests.chaos.one_append import BATCH, entries

SCRIPT = Path(__file__).with_name("one_append.py")
FIRST = 254  # the first batch fills a tile
CALLS = (
    "openat",
    "write",
    "pwrite64",
    "fsync",
    "fdatasync",
    "syncfs",
    "rename",
    "link",
    "unlink",
    "mkdir",
    "ftruncate",
)
FAULTS = ("error=EIO", "error=ENOSPC", "signal=SIGKILL")
SHORT = [
    ("fdatasync", "signal=SIGKILL", 2),
    ("link", "error=ENOSPC", 2),
    ("rename", "signal=SIGKILL", 1),
    ("syncfs", "error=EIO", 1),
]

Inject = Callable[[str, str, int], tuple[Path, dict[int, int], bool]]
TRACED_WITHIN_SECONDS = 20

pytestmark = [
    pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed"),
    pytest.mark.timeout(900),
]


class Appender:
    """`one_append.py`, whose appending processes meet faults."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(SCRIPT)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # what an append complains of
            text=True,
            bufsize=1,
        )

    def append(self, folder: Path, strace: Sequence[str]) -> tuple[dict[int, int], int]:
        """Append under strace; return the receipts, and how the process ended."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{FIRST} {folder}\n")
        receipts: dict[int, int] = {}
        tracer: subprocess.Popen[str] | None = None
        for line in self.process.stdout:
            match line.split():
                case ["pid", number]:
                    tracer = _traced(int(number), strace)
                case ["ack", offset, index]:
                    receipts[int(offset)] = int(index)
                case ["end", code]:
                    assert tracer is not None
                    tracer.communicate(timeout=TRACED_WITHIN_SECONDS)
                    return receipts, int(code)
        raise AssertionError("the appender ended by itself")


def _traced(pid: int, strace: Sequence[str]) -> "subprocess.Popen[str]":
    """Let strace take hold of a process that stops itself, and let that go on.

    A stopped process that is seized does nothing until strace lets it, whoever continues it.
    """
    _wait_for(pid, "State:\tT")
    tracer = subprocess.Popen([*strace, "-p", str(pid)], stderr=subprocess.PIPE, text=True)
    try:
        _wait_for(pid, f"TracerPid:\t{tracer.pid}\n", tracer)
    except TracerEndedError as error:
        os.kill(pid, signal.SIGKILL)
        pytest.skip(f"strace may not trace here: {error}")
    os.kill(pid, signal.SIGCONT)
    return tracer


class TracerEndedError(Exception):
    """strace did not take hold of the process."""


def _wait_for(pid: int, said: str, tracer: "subprocess.Popen[str] | None" = None) -> None:
    """Wait until the kernel says this of a process; nobody else tells."""
    give_up = time.monotonic() + TRACED_WITHIN_SECONDS
    while said not in (status := Path(f"/proc/{pid}/status").read_text()):
        if tracer is not None and tracer.poll() is not None:
            raise TracerEndedError(tracer.communicate()[1])
        assert time.monotonic() < give_up, status
        time.sleep(0.001)


@pytest.fixture(scope="module")
def appender() -> Iterator[Appender]:
    appender = Appender()
    with appender.process:
        yield appender
        appender.process.kill()


@pytest.fixture(scope="module")
def log_before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("before")
    with (
        closing(LocalKeys(folder / "keys", bytes(32))) as keys,
        closing(open_store(folder / "log", "test/0", keys)) as store,
    ):
        store.append(entries(0, FIRST))
    return folder


@pytest.fixture
def inject(appender: Appender, log_before: Path, tmp_path: Path) -> Inject:
    """Append under a fault; return the folder, the receipts, and whether the fault came."""

    def appended(call: str, fault: str, nth: int) -> tuple[Path, dict[int, int], bool]:
        folder = tmp_path / f"{call} {fault} {nth}"
        shutil.copytree(log_before, folder)
        trace = tmp_path / "trace"
        strace = ["strace", "-f", "-qq", "-o", str(trace), "-e", f"trace={call}"]
        strace += ["-e", f"inject={call}:{fault}:when={nth}", "-e", "signal=none"]
        receipts, code = appender.append(folder, strace)
        calls = trace.read_text()
        came = "INJECTED" in calls or code == -signal.SIGKILL
        assert came or calls.count(f"{call}(") < nth, "strace did not do what it was told"
        return folder, receipts, came

    return appended


def check(folder: Path, receipts: dict[int, int]) -> None:
    """See that what was acknowledged is there, now and after a restart, which goes on."""
    count = FIRST + 2 * BATCH
    with closing(LocalKeys(folder / "keys", bytes(32))) as keys:
        found = {entry.position.offset: index for index, entry in read(folder / "log", keys)}
        assert receipts.items() <= found.items()
        with closing(open_store(folder / "log", "test/0", keys)) as store:
            again = store.append(entries(FIRST, 2 * BATCH + 1))
        assert [a.receipt.index for a in again] == list(range(FIRST, count + 1))
        report = Verification(FolderObjects(folder / "log"), key_reader=keys).run()
        assert report.verdict is Verdict.INTACT, report.findings
        assert (report.entries, report.decrypted) == (count + 1, count + 1)
        assert [entry for _, entry in read(folder / "log", keys)] == entries(0, count + 1)


@pytest.mark.parametrize(("call", "fault", "nth"), SHORT)
def test_an_append_whose_call_fails_loses_and_doubles_nothing(
    inject: Inject, call: str, fault: str, nth: int
) -> None:
    folder, receipts, came = inject(call, fault, nth)

    assert came
    check(folder, receipts)


@pytest.mark.skipif(not FULL, reason="a part of `make chaos` only")
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("call", CALLS)
def test_an_append_loses_and_doubles_nothing_whichever_of_its_calls_fails(
    inject: Inject, call: str, fault: str
) -> None:
    for nth in range(1, 1000):
        folder, receipts, came = inject(call, fault, nth)
        check(folder, receipts)
        shutil.rmtree(folder)
        if not came:
            assert nth > 1
            assert len(receipts) == 2 * BATCH
            print(f"{call} {fault}: {nth - 1} calls")
            return
    raise AssertionError("more calls than were tried")
