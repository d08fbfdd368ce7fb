"""The indexes of this process, in a folder: a shard of Qdrant Edge for each index version.

A shard belongs to one process, so each process takes a numbered folder that no other holds. A lock
on the folder, which ends with the process however it ends, tells whether it is held.
"""

import fcntl
import itertools
import shutil
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import ClassVar, Self

from services.inference.adapters.edge import EdgeIndex
from services.inference.versions import IndexVersion


class EdgeStore:
    """Implements `services.inference.store.Store` below `folder`, which is created when needed."""

    is_shared: ClassVar = False

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open = ExitStack()
        self._mine: Path | None = None

    def __enter__(self) -> Self:
        """Take a folder."""
        with ExitStack() as opening:
            self._mine = self._claim(opening)
            self._open = opening.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def open(self, version: IndexVersion) -> EdgeIndex:
        """See `Store.open`."""
        index = EdgeIndex(self._home() / version.name, version.dimensions)
        self._open.callback(index.close)
        return index

    def drop(self, *, retired: Iterable[str], used: Iterable[str]) -> list[str]:
        """See `Store.drop`; the folder is ours alone, so what is not used is deleted."""
        wanted = {*used} - {*retired}
        there = [each for each in self._home().iterdir() if each.is_dir()]
        dropped = [each for each in there if each.name not in wanted]
        for each in dropped:
            shutil.rmtree(each)
        return sorted(each.name for each in dropped)

    def _home(self) -> Path:
        if self._mine is None:
            raise RuntimeError("the store is not open: use it inside `with`")
        return self._mine

    def _claim(self, opening: ExitStack) -> Path:
        """Return the first numbered folder that no one holds."""
        for number in itertools.count():
            mine = self._folder / str(number)
            mine.mkdir(parents=True, exist_ok=True)
            lock = (mine / "lock").open("w")
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.close()
            else:
                opening.enter_context(lock)
                return mine
        raise AssertionError  # pragma: no cover - the count has no end
