"""The figures of a text as they are written, in their order: amounts, dates, digits of names."""

import re
from collections.abc import Iterator
from decimal import Decimal
from operator import itemgetter
from string import ascii_letters
from typing import Final, NamedTuple

from services.validator.dates import DATE_START, DATE_WORDS, Date, dates_at
from services.validator.quantities import (
    NUMBER_START,
    NUMBER_WORDS,
    STOPS,
    Amount,
    Number,
    number_at,
)
from services.validator.remembered import remembered
from services.validator.scales import TABLE_SCALE, states_scale
from services.validator.units import CURRENCY_STARTS, letters


class Figure(NamedTuple):
    """One figure and where it stands in `source`. Without `readings` it could not be read.

    `name`: digits within a name, which can only stand literally.
    """

    text: str
    start: int
    end: int
    readings: tuple[Amount | Date, ...]
    source: str
    factor: Decimal = Decimal(1)
    bracketed: bool = False
    name: bool = False

    @property
    def lowers(self) -> bool:
        """Say whether the words around it make it a loss or a decrease, as a minus sign would."""
        return _is_lowered(self.source, self.start, self.end)


_SKIPPED: Final = (
    r"\[\d{1,3}\]"  # a reference '[1]'
    r"|(?<=\d)\(\d{1,3}\)"  # of a paragraph, '43(6)'
    r"|\b(?:passages?|sources?|steps?|excerpts?)\s\#?\d{1,2}"  # 'passages 1, 2 and 3'
    r"(?:(?:,|,?\s(?:and|or|to|&))?\s?\d{1,2}(?![\d.,%]))*+"
    r"|(?<!\w)S-1(?:/A)?(?!\w)"  # a name of a form
)
_FORM: Final = re.compile(
    r"(?<!\w)(?:(?:10-[KQ]|8-K|20-F|40-F|6-K)(?:/A)?(?!\w)|401\(k\))", re.IGNORECASE
)
"""Names of forms that begin with a digit; nothing else does that is no date and no number."""
_FORMS: Final = "12468"
"""What these begin with."""
_CANDIDATE: Final = re.compile(
    rf"(?P<skipped>{TABLE_SCALE}|{_SKIPPED})|{DATE_START}|{NUMBER_START}", re.IGNORECASE
)
_MARKER: Final = re.compile(r"\(?\d{1,2}[.)](?=\s)")
_INDENT: Final = 8
_MARKED: Final = (
    # one set first, which is searched for fast, and then what the character was
    r"[\d.($\[_'\u0080-\U0010ffff](?:(?<=\d)(\d*+)|(?<=\.)(?=\d)|(?<=\()(?=[\dtmbTMB'\u2018\u2019])"
    r"|(?<=[$\u20ac\u00a3\u00a5])(?=[\s0'\u2018\u2019tmbTMB])|(?<=\[)(?=\d)|(?<=['\u2018\u2019])(?=0)"
    r"|(?<=[^\W\dA-Za-z]))"
)
_PLACE: Final = re.compile(rf"{_MARKED}|([A-Za-z]+)")
"""Where something of interest may begin: words, digits, and marks before what goes with them."""
_DIGITS, _WORD = 1, 2
_SHORT: Final = 60
_LETTERS: Final = frozenset(ascii_letters)
_WORDLESS: Final = re.compile(_MARKED)
"""The same without words."""
_OPENERS: Final = frozenset(
    [
        "in",
        "passage",
        "passages",
        "source",
        "sources",
        "step",
        "steps",
        "excerpt",
        "excerpts",
        "s",
        "q",
        "h",
        "fy",
        "fiscal",
        "final",
    ]
)
_WORDS: Final = _OPENERS | DATE_WORDS | NUMBER_WORDS | {code.lower() for code in CURRENCY_STARTS}
"""The words that anything of interest begins with: the large pattern is tried at these only."""
_FEWER_WORDS: Final = _WORDS - {"in"}
"""Of a text that states no scale, 'in' begins nothing, and is every twentieth word."""
_SINGLE: Final = frozenset(word for word in _WORDS if len(word) == 1)
_LETTER_ALONE: Final = re.compile(
    rf"[{''.join(sorted(map(str.upper, _SINGLE)))}{''.join(sorted(_SINGLE))}]"
    r"(?=[$.0-9-])(?<![A-Za-z].)"
)
"""Words of one letter are everywhere: here those before a mark or digit, as in 'Q1' and 'A$'."""


def scan(text: str) -> Iterator[Figure]:
    """Return the figures of a text as written, without what a table or a range adds to them."""
    position = end = 0
    for first, last, kind in _places(text):
        start = first
        if start < position:
            if kind != _DIGITS or last <= position:
                continue
            start = position  # what was read last ended among these digits
        if kind == _DIGITS and (readings := _plain_year(text, start, last)):
            yield Figure(text[start:last], start, last, readings, text)
            position = end = last
        elif skipped := _marker(text, start) or _skipped(text, start):
            position = skipped
        elif dates := dates_at(text, start):
            for date in dates:
                yield Figure(text[date.start : date.end], date.start, date.end, date.readings, text)
            position = end = dates[-1].end
        elif number := number_at(text, start):
            yield _figure(text, number, max(number.start, end))
            position = end = number.end


def _plain_year(text: str, start: int, end: int) -> tuple[Amount | Date, ...] | None:
    """Return what digits are that can only be a year, as most: '2019' in 'in 2019, sales rose'."""
    readings = _YEARS.get(text[start:end])
    if (
        readings is None
        or text[start - 1 : start] != " "
        or not text[start - 2 : start - 1].islower()
        or text[end : end + 1] not in STOPS
        or text[end + 1 : end + 2].isdigit()
    ):
        return None
    return readings


def _places(text: str) -> list[tuple[int, int, int | None]]:
    """Return from where to where something of interest may begin, and whether it is digits."""
    words = _WORDS if states_scale(text) else _FEWER_WORDS
    lower = text.lower()
    if len(text) <= _SHORT or len(lower) != len(text):  # as a cell, or one with a dotted capital I
        return [
            (*place.span(), place.lastindex)
            for place in _PLACE.finditer(text)
            if place.lastindex != _WORD or place[_WORD].lower() in words
        ]
    found = [(*place.span(), place.lastindex) for place in _WORDLESS.finditer(text)]
    marks = len(found)
    found += [(*letter.span(), _WORD) for letter in _LETTER_ALONE.finditer(text)]
    for word in words & letters(text) - _SINGLE:  # of a hundred a text has a few
        found += [(*span, _WORD) for span in _standing(word, lower, text)]
    if len(found) > marks:
        found.sort(key=itemgetter(0))
    return found


def _standing(word: str, lower: str, text: str) -> Iterator[tuple[int, int]]:
    """Return where a word stands in a text between other characters than letters."""
    start = lower.find(word)
    while start >= 0:
        end = start + len(word)
        if text[start - 1 : start] not in _LETTERS and text[end : end + 1] not in _LETTERS:
            yield start, end
        start = lower.find(word, end)


def _skipped(text: str, start: int) -> int | None:
    """Return where what stands at `start` ends if it is neither date nor number."""
    if (first := text[start]).isdecimal():
        form = _FORM.match(text, start) if first in _FORMS else None
        return form.end() if form else None
    candidate = _CANDIDATE.match(text, start)
    if candidate is None:
        return start + 1
    return candidate.end() if candidate["skipped"] else None


def _marker(text: str, start: int) -> int | None:
    """Return where the marker of a list's point ends, '1.' or '(2)' at the start of a line."""
    match = _MARKER.match(text, start)
    if match is None:
        return None
    line = text.rfind("\n", max(0, start - _INDENT - 1), start) + 1
    if line == 0 and start > _INDENT:
        return None
    return match.end() if not text[line:start].strip() else None


def _figure(text: str, number: Number, start: int) -> Figure:
    readings: tuple[Amount | Date, ...] = ()
    written = text[start : number.end]
    if amount := number.amount:
        if _MAYBE_YEAR <= len(written) <= _MAYBE_YEAR + 2 and _YEAR.fullmatch(written.strip("()")):
            readings = (Date(int(abs(amount.value))), amount)
        else:
            readings = (amount,)
    return Figure(
        written,
        start,
        number.end,
        readings,
        text,
        number.factor,
        number.bracketed,
        number.name,
    )


_YEAR: Final = re.compile(r"(?:19|20)\d{2}")
_MAYBE_YEAR: Final = len("2019")
_YEARS: Final[dict[str, tuple[Amount | Date, ...]]] = {
    str(year): (Date(year), Amount(Decimal(year))) for year in range(1900, 2100)
}
"""How each is read where it stands by itself."""
_LOWERING: Final = re.compile(
    # a row 'Income (loss)' may be either, its brackets say which
    r"(?<!\()\b(?:loss(?:es)?|lost|decreas\w{0,4}|declin\w{0,4}|fell|fall(?:s|en|ing)?|drop\w{0,4}|down"
    r"|lower|negative|minus|deficits?|shortfall|reduc\w{0,6}|shr[aiu]nk|outflows?|used|less|cuts?"
    r"|expens\w{0,3}|costs?|charges?|paid|payments?|spen[dt]\w{0,3}|expenditures?|capex|additions"
    r"|purchases?|repurchas\w{0,3}|dividends?|impairments?|deduct\w{0,5}|tax(?:es|ation)?)\b",
    re.IGNORECASE,
)
_LETTER: Final = re.compile(r"[^\W\d_]")
_CLAUSE_END: Final = re.compile(r"[.;!?]\s")


@remembered(2_048)
def _is_lowered(text: str, start: int, end: int) -> bool:
    before = _CLAUSE_END.split(text[max(0, start - 80) : start])[-1]
    line = before.rpartition("\n")[2]
    if _LETTER.search(line):
        before = line  # the label of its own row, not the row above
    after = _CLAUSE_END.split(text[end : end + 30].split("\n", 1)[0], maxsplit=1)[0]
    return bool(_LOWERING.search(before) or _LOWERING.search(after))
