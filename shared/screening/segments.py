"""A document in pieces that could each be an instruction: sentences, lines, cells of a table."""

import re
from collections.abc import Iterator
from typing import Final

_BREAK: Final = re.compile(
    r"\n+|\s*\|\s*|(?<=[.!?:;])[\"'”’)\]]{0,2}\s+|(?<=[。！？])|<!--|-->|</?[a-zA-Z][^<>]{0,200}>"  # noqa: RUF001 - marks of Chinese and Japanese
)
_PLAIN_BREAK: Final = re.compile(r"[.!?:;\n](?:(?<=\n)\n*+|(?!\n)[\"'”’)\]]{0,2}\s+)")  # noqa: RUF001 - quotation marks
"""The same without markup, from the mark before it on: what begins with a set is found faster."""
_MARKUP: Final = ("|", "<", "-->", "。", "！", "？")  # noqa: RUF001 - marks of Chinese and Japanese
"""What a break has that is no end of a line or sentence; most texts have none of it."""
_OPENERS: Final = (
    "write|compose|create|draft|explain|describe|translate|summarize|summarise|provide|list|name|"
    "give|tell|show|recommend|suggest|answer|reply|respond|encode|convert|add|include|insert|"
    "append|modify|change|enhance|augment|integrate|introduce|use|replace|reverse|scramble|ignore|"
    "disregard|forget|pretend|imagine|act|repeat|print|say|send|determine|analyze|classify|what|"
    "who|when|where|why|how|can you|could you|please|in your"
)
# an instruction that was planted without a full stop before it
_OPENING: Final = re.compile(
    r"\s(?<=[^\s.!?:;]\s)\s*(?=[A-Z])"
    rf"(?=(?:{_OPENERS.title()}|Can you|Could you|In your)\b)"
)
_OPENER: Final = re.compile(rf"{_OPENERS.title()}|Can you|Could you|In your")
_LETTER: Final = re.compile("[A-Za-z]")
MAX_CHARACTERS: Final = 600
"""A longer piece is cut: nobody's sentence, and its middle would drown what is in it."""


def segments(text: str) -> Iterator[tuple[int, int]]:
    """Yield the start and end of each piece of a text that has a letter in it."""
    start = 0
    pieces = _pieces if _OPENER.search(text) else _cut
    for end, following in _breaks(text):
        yield from pieces(text, start, end)
        start = following
    yield from pieces(text, start, len(text))


def _breaks(text: str) -> Iterator[tuple[int, int]]:
    if any(mark in text for mark in _MARKUP):
        return (found.span() for found in _BREAK.finditer(text))
    return (
        (found.start() + (text[found.start()] != "\n"), found.end())
        for found in _PLAIN_BREAK.finditer(text)
    )


def _pieces(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    at = start
    for found in _OPENING.finditer(text, start, end):
        yield from _cut(text, at, found.start())
        at = found.end()
    yield from _cut(text, at, end)


def _cut(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    for at in range(start, end, MAX_CHARACTERS):
        piece = text[at : min(at + MAX_CHARACTERS, end)]
        if _LETTER.search(piece) or any(character.isalpha() for character in piece):
            lead = len(piece) - len(piece.lstrip())
            yield at + lead, at + len(piece.rstrip())
