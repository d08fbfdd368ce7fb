import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from glideslope.audit.findings import Verdict
from glideslope.audit.objects import FolderObjects
from glideslope.audit.verification import Verification
from services.audit.adapters.keys import LocalKeys
from services.audit.adapters.stores import open_store, read

CRASHES = 100 if os.environ.get("GLIDESLOPE_CHAOS") == "full" else 15
REPEATED = 50


class Appender:
    """`appender.py`, whose appending processes are killed."""

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, str(Path(__file__).with_name("appender.py")), str(folder)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )

    def append_until_killed(self, first: int, after: float) -> dict[int, tuple[int, int]]:
        """Append from offset `first` on; SIGKILL comes `after` seconds from the first receipt.

        Returns the receipts, index and size, by offset.
        """
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{first}\n")
        pid = 0
        receipts: dict[int, tuple[int, int]] = {}
        for line in self.process.stdout:
            match line.split():
                case ["pid", number]:
                    pid = int(number)
                case ["ack", offset, index, size]:
                    if not receipts:
                        threading.Timer(after, os.kill, [pid, signal.SIGKILL]).start()
                    receipts[int(offset)] = (int(index), int(size))
                case ["end", code]:
                    assert int(code) == -signal.SIGKILL
                    return receipts
        raise AssertionError("the appender ended by itself")


class Reader:
    """Gives keys, each looked up once: the whole log is read after each of a hundred kills."""

    def __init__(self, keys: LocalKeys) -> None:
        self.key = cache(keys.key)


@pytest.fixture
def appender(tmp_path: Path) -> Iterator[Appender]:
    appender = Appender(tmp_path)
    with appender.process:
        yield appender
        appender.process.kill()


@pytest.mark.timeout(900)
def test_every_acknowledged_entry_is_there_once_after_each_of_many_kills(
    appender: Appender, tmp_path: Path
) -> None:
    seed = random.randrange(2**32)
    chance = random.Random(seed)
    receipts: dict[int, tuple[int, int]] = {}
    keys = LocalKeys(tmp_path / "keys", bytes(32))
    reader = Reader(keys)
    for _ in range(CRASHES):
        first = max(0, max(receipts, default=0) - REPEATED)  # some are delivered again
        again = appender.append_until_killed(first, chance.uniform(0, 0.1))

        logged = list(read(tmp_path / "log", reader))
        offsets = [entry.position.offset for _, entry in logged]
        assert [index for index, _ in logged] == list(range(len(logged))), seed
        assert len(set(offsets)) == len(offsets), seed
        for offset, receipt in again.items():
            assert receipts.setdefault(offset, receipt) == receipt, seed
        for offset, (index, size) in receipts.items():
            assert offsets[index] == offset, seed
            assert index < size <= len(logged), seed
    open_store(tmp_path / "log", "test/0", keys).close()
    report = Verification(FolderObjects(tmp_path / "log"), key_reader=keys).run()
    assert report.verdict is Verdict.INTACT, report.findings
    assert report.decrypted == len(read_offsets(tmp_path, keys)) >= len(receipts)
    keys.close()


def read_offsets(folder: Path, keys: LocalKeys) -> list[int]:
    return [entry.position.offset for _, entry in read(folder / "log", keys)]
