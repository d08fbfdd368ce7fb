from collections.abc import Iterator
from itertools import count, islice
from threading import Thread
from time import sleep

import pytest

from services.validator.kept import Kept


def test_items_are_made_once_and_only_as_far_as_somebody_looks() -> None:
    made: list[int] = []

    def items() -> Iterator[int]:
        for number in range(5):
            made.append(number)
            yield number

    kept = Kept(items)
    assert list(islice(kept, 2)) == [0, 1]
    assert made == [0, 1]
    assert list(kept) == [0, 1, 2, 3, 4]
    assert list(kept) == [0, 1, 2, 3, 4]
    assert made == [0, 1, 2, 3, 4]


def test_what_breaks_while_items_are_made_is_no_end_of_them() -> None:
    attempts = count(1)

    def items() -> Iterator[int]:
        attempt = next(attempts)
        yield 0
        if attempt == 1:
            raise ZeroDivisionError
        yield 1

    kept = Kept(items)
    with pytest.raises(ZeroDivisionError):
        list(kept)
    assert list(kept) == [0, 1]


def test_threads_share_items() -> None:
    def items() -> Iterator[int]:
        for number in range(200):
            sleep(0)  # another thread may come in the middle of an item
            yield number

    kept = Kept(items)
    found: list[list[int]] = []
    threads = [Thread(target=lambda: found.append(list(kept))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [list(range(200))] * 4
