"""Each system call by which an append changes the disk fails, or is the last of its process.

strace makes the n-th call of a kind fail, or kills the process at it, for every n that there is.
"""

import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
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

pytestmark = [
    pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed"),
    pytest.mark.timeout(900),
]


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
def inject(log_before: Path, tmp_path: Path) -> Inject:
    """Append under a fault; return the folder, the receipts, and whether the fault came."""

    def appended(call: str, fault: str, nth: int) -> tuple[Path, dict[int, int], bool]:
        folder = tmp_path / f"{call} {fault} {nth}"
        shutil.copytree(log_before, folder)
        trace = tmp_path / "trace"
        strace = ["strace", "-f", "-qq", "-o", str(trace), "-e", f"trace={call}"]
        strace += ["-e", f"inject={call}:{fault}:when={nth}", "-e", "signal=none"]
        run = subprocess.run(
            [*strace, sys.executable, str(SCRIPT), str(folder), str(FIRST)],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        if "not permitted" in run.stderr.lower():
            pytest.skip(f"strace may not trace here: {run.stderr}")
        receipts = {}
        calls = trace.read_text()
        came = "INJECTED" in calls
        for line in run.stdout.splitlines():
            match line.split():
                case ["ack", offset, index]:
                    receipts[int(offset)] = int(index)
                case ["end", code]:
                    came = came or int(code) == -signal.SIGKILL
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
            return
    raise AssertionError("more calls than were tried")
