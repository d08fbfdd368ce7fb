import contextlib
import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.objection import Objection
from services.ingest.text import LINES, MARKS_MAX, is_readable, normalised

CPU_SECONDS = 5.0  # linear time is far below, quadratic time far above


@given(st.text())
def test_normalising_twice_changes_nothing(text: str) -> None:
    try:
        once = normalised(text, "text", LINES)
    except Objection:
        return
    assert normalised(once, "text", LINES) == once


@given(st.text("a\u0301\u0315\u4e00", max_size=200))
def test_exactly_the_runs_of_over_thirty_marks_are_refused(text: str) -> None:
    run = longest = 0
    for character in text:
        run = run + 1 if unicodedata.combining(character) else 0
        longest = max(longest, run)
    if longest > MARKS_MAX:
        with pytest.raises(Objection):
            normalised(text, "text", LINES)
    else:
        normalised(text, "text", LINES)


@pytest.mark.parametrize(
    "text",
    [
        "a" + "\u0315\u0300" * 250_000,
        ("a" + "\u0301" * MARKS_MAX) * 16_000,
        "\r" * 1_000_000,
        " " * 1_000_000 + "a",
        "\u200b" * 300_000,
    ],
    ids=["marks", "runs of marks", "line ends", "blanks", "invisible"],
)
def test_the_longest_hostile_text_is_told_in_linear_time(text: str) -> None:
    start = time.process_time()
    with contextlib.suppress(Objection):
        is_readable(normalised(text, "text", LINES))
    assert time.process_time() - start < CPU_SECONDS
