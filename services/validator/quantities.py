"""Numbers as financial text writes them, read exactly: sign, scale word, unit and currency.

Own patterns rather than a library: quantulum3 and price-parser work in floats or guess the
decimal mark, and what cannot be read here must be said, not guessed. Every pattern is bounded or
possessive and is tried at one place only, so reading is linear in the text.
"""

import re
from decimal import Decimal
from string import ascii_uppercase
from typing import Final, NamedTuple

from services.validator.units import (
    CURRENCIES,
    CURRENCY_BEFORE,
    LETTER_SCALES,
    MEASURES,
    ORDINAL,
    PERCENT,
    SCALES,
    UNIT_AFTER,
    alternatives,
)

_MAX_DIGITS: Final = 24  # times any scale still exact in 28 digits
_BEFORE: Final = 24
_ONE: Final = Decimal(1)


class Amount(NamedTuple):
    """A number in base units: '$3.2 billion' is 3200000000 USD, '250 bps' is 2.5 percent.

    `unit` None: the text names none next to the number.
    """

    value: Decimal
    unit: str | None = None


class Number(NamedTuple):
    """The text from `start` to `end` as a number: `amount`, or None where it cannot be read.

    `factor`: what a scale word or a unit's part makes of one. `bracketed`: its sign is given by
    brackets alone, which in prose may be mere brackets. `name`: digits within a name ('A320').
    """

    start: int
    end: int
    amount: Amount | None
    factor: Decimal = _ONE
    bracketed: bool = False
    name: bool = False


_MINUS: Final = r"(?<![\w%)\]])[-\u2212\u2013](?!\s)"
_LEFT: Final = re.compile(
    rf"(?P<minus>{_MINUS})?(?P<open>\(\s?)?(?P<minus2>{_MINUS})?"
    rf"(?:(?P<currency>{CURRENCY_BEFORE})\s{{0,3}}(?P<open2>\()?)?(?P<minus3>{_MINUS})?\Z",
)
_LEFT_MARKS: Final = frozenset(f"{ascii_uppercase}.$€£¥₹₩₺-\u2212\u2013(")
"""All that `_LEFT` matches, beside white space."""
_SIGNS: Final = frozenset("$€£¥")
_GROUP: Final = "[,\u2019'\u00a0\u202f]"
_CORE: Final = re.compile(
    rf"(?:\d{{1,3}}(?:{_GROUP}\d{{3}})++(?!\d)|\d++)(?:\.\d++)?|(?<!\w)\.\d++"
)
_SEPARATOR: Final = re.compile(_GROUP)
STOPS: Final = ",.;"
"""Behind these, before anything but a digit, and at the end of a text, a number is over."""
_RUN: Final = re.compile(r"(?:[.,/:]?\d)*+\w*+")
_RUNS_ON: Final = re.compile(r"[.,:]?\d|/\d{1,2}(?!\d|,\d{3})")  # '155/7,017' is a division
_TOKEN_BEFORE: Final = re.compile(r"[\w-]+\Z")
_GOES_ON: Final = re.compile(r"\w")
_TOKEN: Final = re.compile(r"[\w-]*+")
_SCALE: Final = re.compile(
    rf"(?P<gap>[\s-]{{0,2}})(?P<scale>{alternatives(SCALES)})(?!\w)",
    re.IGNORECASE,
)
_UNIT: Final = re.compile(rf"(?:[^\S\n]{{0,2}}-?(?P<unit>{UNIT_AFTER})|\s{{0,3}}(?P<percent>%))")
_FOLLOWING: Final = re.compile(r"[^\S\n]{0,2}-?(?:([A-Za-z]+)|€)|\s{0,3}%")
_UNIT_STARTS: Final = frozenset(re.split("[^a-z]", word.lower())[0] for word in MEASURES)
"""What letters a unit begins with, in lower case."""
_YEAR: Final = re.compile(r"(?:19|20)\d{2}")
_TIMES: Final = frozenset({"year", "quarter", "month", "week", "day"})
_ORDINAL: Final = re.compile(r"(?:st|nd|rd|th)(?!\w)", re.IGNORECASE)
_CLOSE: Final = re.compile(r"\s?\)")
_WORDS: Final = {
    word: Decimal(value)
    for words, values in (
        ("one two three four five six seven eight nine ten eleven twelve", range(1, 13)),
        ("thirteen fourteen fifteen sixteen seventeen eighteen nineteen", range(13, 20)),
        ("twenty thirty forty fifty sixty seventy eighty ninety", range(20, 100, 10)),
    )
    for word, value in zip(words.split(), values, strict=True)
}
_TENS: Final = "twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety"
_WORD: Final = re.compile(
    rf"(?<![\w-])(?:({_TENS})[\s-](one|two|three|four|five|six|seven|eight|nine)"
    rf"|({alternatives(_WORDS)}))(?!\w)",
    re.IGNORECASE,
)
_ORDINALS: Final = "second third fourth fifth sixth seventh eighth ninth tenth"
_ORDINAL_WORDS: Final = _ORDINALS.split()
_ORDINAL_WORD: Final = re.compile(
    # 'Second, …' only counts off points, and a third party is not the third of anything
    rf"(?<![\w-])({'|'.join(_ORDINAL_WORDS)})(?![A-Za-z])(?!\s?,|[\s-]part)",
    re.IGNORECASE,
)


NUMBER_WORDS: Final = frozenset({*_WORDS, *_ORDINAL_WORDS})
"""The words that a number may begin with, in lower case."""

NUMBER_START: Final = (
    rf"\d|(?<!\w)\.\d|(?<![\w-])(?:{'|'.join([*_WORDS, *_ORDINAL_WORDS])})(?![A-Za-z])"
)
"""Pattern of where a number may begin."""


def number_at(text: str, start: int) -> Number | None:
    """Read the number, in digits or words, whose first digit or letter stands at `start`."""
    if text[start].isalpha():
        return _in_words(text, start)
    core = _CORE.match(text, start)
    if core is None:  # digits of another script
        return Number(start, _end(_TOKEN, text, start + 1), None)
    prefix = _prefix(text, start)
    if prefix.currency is None and start and (text[start - 1].isalnum() or text[start - 1] == "_"):
        return _name(text, core)
    return _written(text, core, prefix)


class _Prefix(NamedTuple):
    """What stands before a number: '-$', '(', '($', '$('."""

    start: int
    currency: str | None
    minus: bool
    opened: bool
    outer: bool


def _written(text: str, core: re.Match[str], prefix: _Prefix) -> Number:
    start, end = core.span()
    ends = text[end : end + 1] in STOPS and not text[end + 1 : end + 2].isdigit()
    if ends and not prefix.opened:
        value = _exact(core[0], prefix.currency, negative=prefix.minus)
        return Number(prefix.start, end, value)
    if _RUNS_ON.match(text, end):
        return Number(start, _end(_RUN, text, end), None)
    if ordinal := _ORDINAL.match(text, end):
        return Number(start, ordinal.end(), _exact(core[0], ORDINAL))
    return _in_digits(text, core, prefix)


def _prefix(text: str, start: int) -> _Prefix:
    # most stand behind a space and a word, with or without a currency's sign
    if (
        start > 1
        and text[start - 1] == " "
        and (text[start - 2].islower() or text[start - 2] == ",")
    ):
        return _Prefix(start, None, minus=False, opened=False, outer=False)
    if start > 2 and text[start - 3] not in _LEFT_MARKS:  # noqa: PLR2004 - a mark, a space, and what is before
        sign = text[start - 1]
        if sign in _SIGNS and text[start - 2] == " " and not text[start - 3].isspace():
            return _Prefix(start - 1, CURRENCIES[sign], minus=False, opened=False, outer=False)
    least = max(0, start - _BEFORE)
    first = start
    while first > least and ((mark := text[first - 1]) in _LEFT_MARKS or mark.isspace()):
        first -= 1
    if first == start or text[first:start].isspace():
        return _Prefix(start, None, minus=False, opened=False, outer=False)
    left = _LEFT.search(text[least:start], first - least)
    if left is None:
        return _Prefix(start, None, minus=False, opened=False, outer=False)
    return _Prefix(
        start - len(left[0].lstrip()),
        CURRENCIES[left["currency"].lower()] if left["currency"] else None,
        minus=any(left.group("minus", "minus2", "minus3")),
        opened=any(left.group("open", "open2")),
        outer=left["open"] is not None,
    )


def _in_digits(text: str, core: re.Match[str], prefix: _Prefix) -> Number:
    end, closed = _close(text, core.end(), opened=prefix.opened)
    end, scale = _scale(text, end, money=prefix.currency is not None)
    unit, factor = prefix.currency, _ONE
    if found := _unit(text, end):
        written, behind = found
        year = written[0] in _TIMES and _YEAR.fullmatch(core[0]) is not None
        if unit in (None, written[0]) and not year:  # '2019 year end' is no time of 2019 years
            (unit, factor), end = written, behind
    elif end == core.end() and _GOES_ON.match(text, end):
        return _name(text, core)
    if not closed:
        end, closed = _close(text, end, opened=prefix.opened)
    start = prefix.start
    if prefix.outer and not closed:  # the bracket closes further on: it is no part of the number
        start += text[start : core.start()].index("(") + 1
    if factor is not _ONE:
        scale = factor if scale is _ONE else scale * factor
    return Number(
        start,
        end,
        _exact(core[0], unit, scale, negative=prefix.minus or closed),
        scale,
        bracketed=closed and prefix.outer and not prefix.minus,
    )


def _in_words(text: str, start: int) -> Number | None:
    if ordinal := _ORDINAL_WORD.match(text, start):
        value = Decimal(_ORDINAL_WORDS.index(ordinal[1].lower()) + 2)
        return Number(start, ordinal.end(), Amount(value, ORDINAL))
    word = _WORD.match(text, start)
    if word is None:
        return None
    value = (
        _WORDS[word[3].lower()] if word[3] else _WORDS[word[1].lower()] + _WORDS[word[2].lower()]
    )
    end, scale = _scale(text, word.end(), money=False)
    unit, factor = None, Decimal(1)
    if match := _UNIT.match(text, end):
        (unit, factor), end = MEASURES[(match["unit"] or PERCENT).lower()], match.end()
    if value == 1 and scale == 1 and unit is None:
        return None  # 'one of the largest' counts nothing
    return Number(start, end, Amount(value * scale * factor, unit), scale * factor)


def _unit(text: str, end: int) -> tuple[tuple[str, Decimal], int] | None:
    """Find the unit behind a number and its end; of most words one look says that they are none."""
    if text.startswith("%", end):
        return MEASURES[PERCENT], end + 1
    following = _FOLLOWING.match(text, end)
    if following is None or (following[1] and following[1].lower() not in _UNIT_STARTS):
        return None
    match = _UNIT.match(text, end)
    return match and (MEASURES[(match["unit"] or PERCENT).lower()], match.end())


def _scale(text: str, end: int, *, money: bool) -> tuple[int, Decimal]:
    """Read up to three scale words in a row ('two hundred thousand')."""
    scale = _ONE
    for _ in range(3):
        match = _SCALE.match(text, end)
        if match is None or (
            match["scale"].lower() in LETTER_SCALES and match["gap"] and not money
        ):
            break
        found = SCALES[match["scale"].lower()]
        scale, end = found if scale is _ONE else scale * found, match.end()
    return end, scale


def _close(text: str, end: int, *, opened: bool) -> tuple[int, bool]:
    match = _CLOSE.match(text, end) if opened else None
    return (match.end(), True) if match else (end, False)


def _exact(
    digits: str, unit: str | None, factor: Decimal = _ONE, *, negative: bool = False
) -> Amount | None:
    if digits.isascii():
        plain = digits.replace(",", "").replace("'", "")
    else:
        plain = _SEPARATOR.sub("", digits)
    if len(plain) > _MAX_DIGITS:
        return None
    value = Decimal(plain)
    if factor is not _ONE:
        value *= factor
    return Amount(-value if negative else value, unit)


def _name(text: str, core: re.Match[str]) -> Number:
    before = _TOKEN_BEFORE.search(text[max(0, core.start() - _BEFORE) : core.start()])
    start = core.start() - (len(before[0]) if before else 0)
    return Number(start, _end(_TOKEN, text, core.end()), None, name=True)


def _end(pattern: re.Pattern[str], text: str, start: int) -> int:
    match = pattern.match(text, start)
    return match.end() if match else start
