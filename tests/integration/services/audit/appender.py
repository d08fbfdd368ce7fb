"""Appends to the log in a folder, again and again from a new process, until that is killed.

Each line on stdin is an offset to start from. A child says its `pid`, runs sixteen appends at
once, and tells of each acknowledged one: `ack`, offset, index, size. `end` comes with its exit
code. (A child is a fork, for it to be there at once.)
"""

import asyncio
import os
import sys
from itertools import count
from pathlib import Path

from services.audit.adapters.keys import LocalKeys
from services.audit.adapters.stores import open_store
from services.audit.entry import Entry, Position
from services.audit.group import GroupLog


def say(*words: object) -> None:
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


async def append(log: GroupLog, offsets: "count[int]") -> None:
    for offset in offsets:
        position = Position("c", "requests", 0, offset, offset)
        appended = await log.append(Entry(position, b"k", (), b"x" * (offset % 5_000)))
        say("ack", offset, appended.receipt.index, appended.receipt.size)


async def main(folder: Path, first: int) -> None:
    keys = LocalKeys(folder / "keys", bytes(32))
    opening = GroupLog(lambda: open_store(folder / "log", "test/0", keys, publish_seconds=0.05))
    log = await opening.open()
    offsets = count(first)
    await asyncio.gather(*(append(log, offsets) for _ in range(16)))


for line in sys.stdin:
    child = os.fork()
    if not child:
        say("pid", os.getpid())
        asyncio.run(main(Path(sys.argv[1]), int(line)))
    say("end", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
