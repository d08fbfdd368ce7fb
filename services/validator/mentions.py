"""In which order a text names two things: what is over what in 'A as a percentage of B'."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import permutations
from typing import Final, NamedTuple

from services.validator.labels import stems
from services.validator.remembered import remembered
from services.validator.series import Point, Series

_INVERTED: Final = re.compile(
    r"\b(?:was|were|is|are|relat\w+|consist\w*|attribut\w*|comes?|came|made|represent\w*|due)\b",
    re.IGNORECASE,
)
_SHARE_OF: Final = re.compile(
    r"(?:percent(?:age)?|%|portion|share|proportion|part|fraction)\sof\s(?:the\s|total\s|its\s|our\s"
    r"|company's\s)*\Z",
    re.IGNORECASE,
)
_SHARE_ENDS: Final = frozenset({"of", "the", "total", "its", "our", "company's"})
"""The last words that `_SHARE_OF` is found before."""
_LONGEST_END: Final = len(" company's  ")


MOST_ROWS: Final = 8


def ordered(text: str, rows: Sequence[Series]) -> Iterator[tuple[Series, Series]]:
    """Return the pairs of rows of which the text can mean the first over the second."""
    for one, other in permutations(rows[:MOST_ROWS], 2):
        if names_over(text, one, other):
            yield one, other


def names_over(text: str, one: Series, other: Series) -> bool:
    """Say whether the text can mean one row over another."""
    return columns_are_named(text, one, other) and _is_over(text, one.words, other.words)


def columns_are_named(text: str, one: Series, other: Series) -> bool:
    """Say whether a text can mean two series beside one another.

    Not two columns of one row, unless it names the heads of both; a total, and what is of the year
    before, are meant without a word.
    """
    if one.is_dated or other.is_dated or one.row is None or one.row != other.row:
        return True
    said = stems(text)
    own, theirs = one.words - other.words, other.words - one.words
    return all(not name.isdisjoint(said | _MEANT) for name in (own, theirs))


_MEANT: Final = stems("total sum combined consolidated group current prior previous last preceding")
"""Heads of columns that nobody has to name."""


def is_over(text: str, one: Series, other: Series) -> bool:
    """Say whether the text can mean `one` over `other`, by the order that it names them in."""
    return _is_over(text, one.words, other.words)


# three rows of a table are asked about in every order, for each figure of a sentence
@remembered(512)
def _is_over(text: str, one: frozenset[str], other: frozenset[str]) -> bool:
    first, second = _mention(text, one, other), _mention(text, other, one)
    if first is None or second is None:
        return True
    start, end = min(first, second), max(first, second)
    ends = text[max(0, start - _LONGEST_END) : start].lower().split()[-1:]
    if not _SHARE_ENDS.isdisjoint(ends) and _SHARE_OF.search(text[:start]):
        return (first < second) != bool(_INVERTED.search(text[start:end]))
    return first < second


def named_first(text: str, one: Point, other: Point) -> bool:
    """Say whether a text names the year of one point before that of another."""
    if not one.date or not other.date or not one.date.year or not other.date.year:
        return False
    return -1 < text.find(str(one.date.year)) < text.find(str(other.date.year))


_WORD: Final = re.compile(r"[^\W\d_]+")
_JOINS: Final = re.compile(r"(?:the|of|at|in|on|for)\b", re.IGNORECASE)
"""Words within a name."""


# of two rows either order is asked about
@remembered(512)
def _mention(text: str, row: frozenset[str], other: frozenset[str]) -> int | None:
    """Return where a text first has a word of one row that the other has not."""
    tokens, at = _tokens(text)
    if not row <= other:  # where most of its own words stand together
        met_at = defaultdict(set)
        for word in row:
            if word in at and word not in other:
                for place in at[word]:
                    met_at[place].add(word)
        if len(met_at) < 2:  # noqa: PLR2004 - then there is nothing to stand together
            return _begin(text, min(met_at), row) if met_at else None
        width = len(row - other) + 2
        hits = sorted(met_at.items())
        near = (
            (frozenset[str]().union(*(hit for j, hit in hits[n:] if j < i + width)), i)
            for n, (i, _) in enumerate(hits)
        )
        _, place = max((len(met), -i) for met, i in near)
        return _begin(text, -place, row)
    theirs = other - row
    if not theirs:
        return None  # two rows of one name: the text cannot tell
    # 'EBITDA' beside 'underlying EBITDA': where its words are, outside of the longer name
    longer = set() if at.keys().isdisjoint(theirs) else _places(text, other)
    first = min((i for word in row for i in at.get(word, ()) if i not in longer), default=None)
    return None if first is None else tokens[first][0]


def _begin(text: str, place: int, row: frozenset[str]) -> int:
    """Return where a name begins that has its own words from a place on: 'Balance at the end'."""
    tokens = _tokens(text).words
    first = tokens[place][0]
    for start, words in reversed(tokens[:place]):
        if words and words <= row:
            first = start
        elif not _JOINS.match(text, start):
            break
    return first


def _places(text: str, name: frozenset[str]) -> set[int]:
    """Return the places of the tokens that name something, wherever they stand closest together."""
    spans: list[tuple[int, int]] = []
    tokens, at = _tokens(text)
    most = len(name & at.keys())
    for start in sorted({place for word in name for place in at.get(word, ())}):
        seen = tokens[start][1] & name
        end = start
        while len(seen) < most and end + 1 < min(len(tokens), start + 2 * most):
            end += 1
            seen |= tokens[end][1] & name
        if len(seen) == most:
            spans.append((end - start, start))
    least = min(spans, default=(0, 0))[0]
    return {place for width, s in spans if width == least for place in range(s, s + width + 1)}


class _Tokens(NamedTuple):
    """The words of a text, each as its place and stems; and which of them have a stem."""

    words: tuple[tuple[int, frozenset[str]], ...]
    at: dict[str, list[int]]


@remembered(64)
def _tokens(text: str) -> _Tokens:
    words = tuple((match.start(), stems(match[0])) for match in _WORD.finditer(text))
    at = defaultdict(list)
    for number, (_, said) in enumerate(words):
        for stem in said:
            at[stem].append(number)
    return _Tokens(words, dict(at))
