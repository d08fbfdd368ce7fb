"""Opens a log, appends two batches, says what was acknowledged, closes it: in a process of its own.

    python one_append.py FOLDER FIRST

It forks, so that the calls of the process that appends are counted from its start: strace counts
them for each process, and importing Python's modules takes many.
"""

import os
import sys
from pathlib import Path

from services.audit.adapters.keys import LocalKeys
from services.audit.adapters.stores import open_store
from services.audit.entry import Entry, Position

BATCH = 3


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


def append(folder: Path, first: int) -> None:
    keys = LocalKeys(folder / "keys", bytes(32))
    store = open_store(folder / "log", "test/0", keys)
    for start in (first, first + BATCH):
        batch = entries(start, BATCH)
        for entry, appended in zip(batch, store.append(batch), strict=True):
            print("ack", entry.position.offset, appended.receipt.index, flush=True)
    store.close()
    keys.close()


if __name__ == "__main__":
    if child := os.fork():
        print("end", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
    else:
        append(Path(sys.argv[1]), int(sys.argv[2]))
