from collections.abc import Iterator

import pytest

from services.validator.evidence import read_evidence
from services.validator.remembered import (
    MOST_CHARACTERS,
    USUAL_CHARACTERS,
    make_room,
    note,
    remembered,
)


@pytest.fixture(autouse=True)
def _nothing_read() -> Iterator[None]:
    note(MOST_CHARACTERS + USUAL_CHARACTERS + 1)
    make_room()
    yield
    note(MOST_CHARACTERS + USUAL_CHARACTERS + 1)
    make_room()


class Reader:
    """Counts what it reads."""

    def __init__(self) -> None:
        self.reads = 0
        self.read = remembered(8)(self._read)

    def _read(self, text: str) -> int:
        self.reads += 1
        note(len(text))
        return len(text)


def test_a_text_that_comes_back_is_not_read_again() -> None:
    reader = Reader()
    for _ in range(3):
        make_room()
        assert reader.read("a page") == len("a page")
    assert reader.reads == 1


def test_long_pages_are_forgotten_before_the_next_answer_once_they_are_too_much() -> None:
    reader = Reader()
    pages = [str(number) * (MOST_CHARACTERS // 2) for number in range(4)]
    for page in pages:
        make_room()
        reader.read(page)
    assert reader.reads == len(pages)
    make_room()
    reader.read(pages[0])
    assert reader.reads == len(pages) + 1


def test_what_an_answer_needs_is_kept_while_it_is_judged_however_long_it_is() -> None:
    reader = Reader()
    page = "x" * (2 * MOST_CHARACTERS)
    make_room()
    reader.read(page)
    reader.read(page)
    assert reader.reads == 1


def test_texts_of_usual_length_do_not_count() -> None:
    reader = Reader()
    for number in range(2 * MOST_CHARACTERS // USUAL_CHARACTERS):
        reader.read(f"{number:{USUAL_CHARACTERS}}")
    reads = reader.reads
    make_room()
    reader.read(f"{number:{USUAL_CHARACTERS}}")
    assert reader.reads == reads


def test_long_pages_that_come_back_in_ever_other_company_are_forgotten_too() -> None:
    pages = [f"Page {number} says nothing. " * 900 for number in range(8)]
    remembered_at_once = []
    for number in range(40):
        make_room()
        read_evidence((*pages, f"Note {number}."))
        remembered_at_once.append(read_evidence.cache_info().currsize)
    assert max(remembered_at_once) < len(remembered_at_once) / 2
