"""Results that are kept for texts that come back, as popular passages do: not too many, or long.

What is read of a page dense with figures takes some 270 bytes a character. A count of texts alone
bounds nothing: 256 pages of 100,000 characters would take seven gigabytes.
"""

from collections.abc import Callable
from functools import _lru_cache_wrapper, lru_cache
from threading import Lock
from typing import Final, TypeVar

T = TypeVar("T")

MOST_CHARACTERS: Final = 300_000
"""So much text beyond what is usual is known before another answer is judged: about 80 MiB."""
USUAL_CHARACTERS: Final = 1_000
"""Texts up to this length are few enough by their number."""

_forget: list[Callable[[], None]] = []
_lock = Lock()
_read = 0


def remembered(texts: int) -> Callable[[Callable[..., T]], "_lru_cache_wrapper[T]"]:
    """Keep a function's results for the last so many texts, until `make_room` drops them."""

    def decorate(function: Callable[..., T]) -> "_lru_cache_wrapper[T]":
        cached = lru_cache(maxsize=texts)(function)
        _forget.append(cached.cache_clear)
        return cached

    return decorate


def note(characters: int) -> None:
    """Note that a text of so many characters is read which was not known."""
    global _read  # noqa: PLW0603 - one process has one memory
    with _lock:
        _read += max(0, characters - USUAL_CHARACTERS)


def make_room() -> None:
    """Before an answer is judged, forget everything if too much was read.

    All at once, because results hold on to each other: a row of a table to its page's facts.
    """
    global _read  # noqa: PLW0603 - one process has one memory
    with _lock:
        if _read <= MOST_CHARACTERS:
            return
        _read = 0
    for forget in _forget:
        forget()
