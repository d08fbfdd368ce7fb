"""What a text must be before anyone reads it: whole Unicode, in one form, with something in it."""

import re
import unicodedata
from functools import cache
from typing import Final

from services.ingest.objection import Code, Objection

LINE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
"""What a one-line text (a name, an id) must not have: control characters, lone surrogates."""
LINES: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
"""The same for a text of several lines, which has tabs and newlines."""
PAGES: Final = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
"""The same for a document's text, which may have form feeds between its pages."""

MARKS_MAX: Final = 30
"""Combining marks in a row. Source: Unicode UAX #15, section 13, Stream-Safe Text Format.

Normalising a longer run takes time that grows with its square (a minute for 100,000 marks).
"""

_LINE_ENDS: Final = re.compile(r"\r\n|[\r\x85\u2028\u2029]")
_READABLE: Final = re.compile(
    r"[^\s\x00-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]"
)
_LAST_COMBINING: Final = 0x1FFFF


def normalised(text: str, field: str, forbidden: re.Pattern[str]) -> str:
    """Return the text in Unicode NFC with newlines as line ends, without blank ends.

    Objects to a character that `forbidden` finds, and to more than `MARKS_MAX` combining marks in
    a row.
    """
    text = _LINE_ENDS.sub("\n", text)
    free_of(forbidden, text, field)
    if not text.isascii():
        if _has_long_run_of_marks(text):
            raise Objection(
                Code.COMBINING_MARKS,
                f"`{field}` has over {MARKS_MAX} combining marks in a row: remove them",
                field,
            )
        text = unicodedata.normalize("NFC", text)
    return text.strip()


def is_readable(text: str) -> bool:
    """Say whether there is anything in the text that a person would see."""
    return _READABLE.search(text) is not None


def check_readable(text: str, field: str) -> None:
    """Object to a text in which there is nothing to read."""
    if not is_readable(text):
        raise Objection(Code.EMPTY, f"`{field}` has nothing to read in it: send some text", field)


def free_of(forbidden: re.Pattern[str], text: str, field: str) -> None:
    """Object to a character that `forbidden` finds in the text."""
    if found := forbidden.search(text):
        raise Objection(
            Code.CONTROL_CHARACTER,
            f"`{field}` has the character U+{ord(found[0]):04X} at position {found.start()}: "
            "remove control characters and halves of surrogate pairs",
            field,
        )


def _has_long_run_of_marks(text: str) -> bool:
    # a run that is too long covers one of these positions, so most texts are told quickly
    sampled = text[:: MARKS_MAX + 1]
    if not any(map(unicodedata.combining, sampled)):
        return False
    return _long_runs_of_marks().search(text) is not None


@cache
def _long_runs_of_marks() -> re.Pattern[str]:
    marks = "".join(
        re.escape(chr(point))
        for point in range(0x300, _LAST_COMBINING)
        if unicodedata.combining(chr(point))
    )
    return re.compile(f"[{marks}]{{{MARKS_MAX + 1}}}")
