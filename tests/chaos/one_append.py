"""Opens a log, appends two batches, says what was acknowledged, closes it: in a process of its own.

Each line on stdin is a folder and the offset to start from. A fork appends, for it to be there at
once; before it begins it says its `pid` and stops, for strace to take hold of it. So all calls that
strace counts are those of an append, and none of Python's start.
"""

import ctypes
import os
import signal
import sys
from pathlib import Path

from services.audit.adapters.keys import LocalKeys
from services.audit.adapters.stores import open_store
from services.audit.entry import Entry, Position

BATCH = 3
_PR_SET_PTRACER = 0x59616D61
_ANYBODY = ctypes.c_ulong(-1)


def entries(first: int, count: int) -> list[Entry]:
    return [
        Entry(
            Position("c", "requests", 0, offset, offset),
            b"k",
            (("ce_tenant", b"acme"), ("ce_subject", b"person %d" % offset)),
            b"entry %d" % offset,
        )
        for offset in range(first, first + count)
    ]


def say(*words: object) -> None:
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def append(folder: Path, first: int) -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PTRACER, _ANYBODY, 0, 0, 0)  # where Yama lets parents alone
    say("pid", os.getpid())
    os.kill(os.getpid(), signal.SIGSTOP)
    keys = LocalKeys(folder / "keys", bytes(32))
    store = open_store(folder / "log", "test/0", keys)
    for start in (first, first + BATCH):
        batch = entries(start, BATCH)
        for entry, appended in zip(batch, store.append(batch), strict=True):
            say("ack", entry.position.offset, appended.receipt.index)
    store.close()
    keys.close()


if __name__ == "__main__":
    for line in sys.stdin:
        first, folder = line.strip().split(" ", 1)
        child = os.fork()
        if not child:
            append(Path(folder), int(first))
            sys.exit()
        say("end", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
