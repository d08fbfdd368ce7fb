"""Plain text and Markdown."""

import codecs
import re
from typing import Final

from glideslope.reading import Reading, ReadingError

_HEADING: Final = re.compile(r"^#{1,6} +(?P<words>.*?)[ #]*$", re.MULTILINE)


def plain(raw: bytes) -> Reading:
    """Read a text. Raises `ReadingError`."""
    return Reading(text=decoded(raw))


def markdown(raw: bytes) -> Reading:
    """Read a Markdown text, whose title is its first heading. Raises `ReadingError`."""
    text = decoded(raw)
    return Reading(text=text, title=first_heading(text))


def first_heading(text: str) -> str:
    """Return the words of the first heading that has any; nothing without one."""
    return next((words for each in _HEADING.finditer(text) if (words := each["words"])), "")


def decoded(raw: bytes) -> str:
    """Return a text in UTF-8, or in what its byte order mark says. Raises `ReadingError`."""
    wide = raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return raw.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise ReadingError(
            "is not UTF-8 text: convert it (iconv -f ENCODING -t UTF-8) or leave it out"
        ) from error
