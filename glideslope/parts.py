"""What was read of a file, as parts that each fit into a record of the topic `documents`."""

import itertools
import re
from collections.abc import Iterator, Sequence
from typing import Final

from pydantic_core import to_json

from glideslope.reading import Reading, ReadingError
from shared import topics
from shared.events import DocumentSubmitted

_ENVELOPE_BYTES: Final = 4 * 1024  # the record's headers and key, generously
_PAGES_MAX: Final = 10_000  # of one document, as ingest has it
_BREAK: Final = re.compile(r"\n(?:[ \t]*\n)+")


class TooLargeError(ReadingError):
    """A piece of a document that is not cut does not fit into one record."""

    def __init__(self, piece: str, size: int) -> None:
        super().__init__(
            f"has {piece} of {size:,} bytes, a record of the topic takes "
            f"{topics.DOCUMENTS.max_bytes:,}: split it into several files"
        )


def fitting(document: DocumentSubmitted, found: Reading) -> list[Reading]:
    """Return what was read as it is, or in parts where one record cannot hold it.

    `document` has all that goes with each part. Nothing is cut but between pages, or between the
    blank lines of a text. Raises `TooLargeError`.
    """
    room = topics.DOCUMENTS.max_bytes - _ENVELOPE_BYTES - _json_bytes(document)
    if found.pages is not None:
        sizes = [_json_bytes(page) + 1 for page in found.pages]
        runs = list(_runs(sizes, room, _PAGES_MAX))
        for first, _ in runs:
            if sizes[first] > room:
                raise TooLargeError(f"a page ({found.pages[first].locator})", sizes[first])
        return [Reading(pages=found.pages[first:end]) for first, end in runs]
    text = found.text or ""
    cuts = [0, *(each.end() for each in _BREAK.finditer(text)), len(text)]
    blocks = [text[start:end] for start, end in itertools.pairwise(cuts)]
    sizes = [_json_bytes(block) - 2 for block in blocks]  # without quotes: it stands between others
    runs = list(_runs(sizes, room, len(blocks)))
    for first, _ in runs:
        if sizes[first] > room:
            raise TooLargeError("a table or paragraph", sizes[first])
    return [Reading(text="".join(blocks[first:end])) for first, end in runs]


def _runs(sizes: Sequence[int], room: int, most: int) -> Iterator[tuple[int, int]]:
    """Yield runs of consecutive pieces that fit, as many as fit; one too large begins a run."""
    first = used = 0
    for number, size in enumerate(sizes):
        if number > first and (used + size > room or number - first == most):
            yield first, number
            first, used = number, 0
        used += size
    yield first, len(sizes)


def _json_bytes(value: object) -> int:
    return len(to_json(value, exclude_none=True))
