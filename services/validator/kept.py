"""What an iterator gives, kept for who asks next."""

from collections.abc import Callable, Iterator
from itertools import count, islice
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")


class Kept(Generic[T]):
    """Items that are made one by one when they are first looked at. Threads may share them.

    `make` returns an iterator of them, and the same ones each time.
    """

    def __init__(self, make: Callable[[], Iterator[T]]) -> None:
        self._make = make
        self._rest = make()
        self._items: list[T] = []
        self._lock = Lock()

    def __iter__(self) -> Iterator[T]:
        """Return them from the first."""
        for at in count():
            if at == len(self._items) and not self._goes_on(at):
                return
            yield self._items[at]

    def _goes_on(self, at: int) -> bool:
        with self._lock:
            if at == len(self._items):
                try:
                    self._items += islice(self._rest, 1)
                except BaseException:
                    # who asks again must not take what broke for the end
                    self._rest = islice(self._make(), at, None)
                    raise
            return at < len(self._items)
