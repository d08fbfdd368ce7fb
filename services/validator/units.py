"""Units, currencies and scale words: how they are written, and what they are the same as."""

import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Final

from services.validator.remembered import remembered

PERCENT: Final = "%"
COUNT: Final = "count"
"""The unit of a number that is certainly no money: a bare one in a table 'in millions'."""
ORDINAL: Final = "ordinal"

SCALES: Final = {
    **dict.fromkeys(("hundred", "hundreds"), Decimal(100)),
    **dict.fromkeys(("thousand", "thousands", "k"), Decimal(1_000)),
    **dict.fromkeys(("lakh", "lakhs"), Decimal(100_000)),
    **dict.fromkeys(
        ("million", "millions", "mio", "mln", "mn", "mm", "m", "mill"), Decimal(1_000_000)
    ),
    **dict.fromkeys(("crore", "crores"), Decimal(10_000_000)),
    **dict.fromkeys(("billion", "billions", "bln", "bn", "b"), Decimal(1_000_000_000)),
    **dict.fromkeys(("trillion", "trillions", "trn", "tn"), Decimal(1_000_000_000_000)),
}
LETTER_SCALES: Final = frozenset({"k", "m", "b"})
"""Scales that count only where they touch the number or a currency stands before it."""

_SYMBOLS: Final = {
    "US$": "USD",
    "U.S.$": "USD",
    "$": "USD",
    "C$": "CAD",
    "CA$": "CAD",
    "CAD$": "CAD",
    "A$": "AUD",
    "AU$": "AUD",
    "NZ$": "NZD",
    "HK$": "HKD",
    "S$": "SGD",
    "NT$": "TWD",
    "R$": "BRL",
    "€": "EUR",
    "£": "GBP",
    "¥": "JPY",
    "₹": "INR",
    "₩": "KRW",
    "₺": "TRY",
}
_CODE_LIST: Final = (
    "AED ARS AUD BRL CAD CHF CLP CNY COP CZK DKK EUR GBP HKD HUF IDR ILS INR JPY KRW MXN MYR NOK "
    "NZD PHP PLN RON SAR SEK SGD THB TRY TWD USD VND ZAR"
)
_CODES: Final = _CODE_LIST.split()
_CURRENCY_WORDS: Final = {
    **dict.fromkeys(("dollar", "dollars", "us dollars", "u.s. dollars", "us dollar"), "USD"),
    **dict.fromkeys(("canadian dollars", "canadian dollar"), "CAD"),
    **dict.fromkeys(("australian dollars", "australian dollar"), "AUD"),
    **dict.fromkeys(("euro", "euros"), "EUR"),
    **dict.fromkeys(("pound", "pounds", "pounds sterling", "sterling"), "GBP"),
    "yen": "JPY",
    **dict.fromkeys(("yuan", "renminbi", "rmb"), "CNY"),
    **dict.fromkeys(("rupee", "rupees"), "INR"),
    **dict.fromkeys(("swiss francs", "swiss franc", "francs"), "CHF"),
}
CURRENCIES: Final = {
    **{symbol.lower(): code for symbol, code in _SYMBOLS.items()},
    **{code.lower(): code for code in _CODES},
    **_CURRENCY_WORDS,
}
CURRENCY_CODES: Final = frozenset(CURRENCIES.values())

_ALIASES: Final = (
    ("times", "x times"),
    ("second", "seconds"),
    ("minute", "minute minutes"),
    ("hour", "hour hours"),
    ("day", "day days"),
    ("week", "week weeks"),
    ("month", "month months"),
    ("quarter", "quarters"),
    ("year", "year years yr yrs"),
    ("share", "share shares"),
    ("barrel", "barrel barrels bbl bbls"),
    ("boe", "boe"),
    ("tonne", "tonne tonnes"),
    ("ton", "ton tons"),
    ("kilogram", "kilogram kilograms kg"),
    ("ounce", "ounce ounces oz"),
    ("pound weight", "lb lbs"),
    ("megawatt", "megawatt megawatts mw"),
    ("gigawatt", "gigawatt gigawatts gw"),
    ("kilowatt hour", "kwh"),
    ("megawatt hour", "mwh"),
    ("gigawatt hour", "gwh"),
    ("terawatt hour", "twh"),
    ("kilometre", "kilometre kilometres kilometer kilometers km"),
    ("mile", "mile miles"),
    ("acre", "acre acres"),
    ("hectare", "hectare hectares"),
    ("gigabyte", "gigabyte gigabytes gb"),
    ("terabyte", "terabyte terabytes tb"),
    ("litre", "litre litres liter liters"),
    ("gallon", "gallon gallons"),
)
_PERCENTS: Final = (
    "%",
    "percent",
    "per cent",
    "pct",
    "percentage",
    "pp",
    "percentage point",
    "percentage points",
)
_BASIS_POINTS: Final = ("bps", "bp", "basis point", "basis points")

MEASURES: Final = {
    **{written: (unit, Decimal(1)) for unit, forms in _ALIASES for written in forms.split()},
    **dict.fromkeys(("square feet", "square foot", "sq. ft.", "sq ft"), ("sq ft", Decimal(1))),
    **dict.fromkeys(_PERCENTS, (PERCENT, Decimal(1))),
    **dict.fromkeys(_BASIS_POINTS, (PERCENT, Decimal("0.01"))),
    **{word: (code, Decimal(1)) for word, code in CURRENCIES.items()},
}
"""What may follow a number, in lower case: its unit, and what one of it is worth in that unit."""


def alternatives(words: Iterable[str]) -> str:
    """Return a pattern that matches any of the words, the longest first."""
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


# codes are read in capitals only: 'try 5 times' names no Turkish lira
CURRENCY_BEFORE: Final = rf"(?:(?<![A-Za-z])(?:{alternatives([*_SYMBOLS, *_CODES, 'RMB'])}))"
"""Pattern of a currency before its number."""

UNIT_AFTER: Final = (
    rf"(?:(?:{alternatives(_CODES)}|"
    rf"(?i:{alternatives(w for w in MEASURES if w not in CURRENCIES or w in _CURRENCY_WORDS)}))"
    rf"(?!\w)|€(?!\s?(?:['\u2019]?000|mn?\b|bn\b|(?:thousand|million|billion)s?\b)))"
)
"""Pattern of a unit or currency after its number. '$' is left out: in 'a $ b' it belongs to b."""

CURRENCY_STARTS: Final = frozenset(
    {re.split(r"[^A-Za-z]", symbol)[0] for symbol in _SYMBOLS} - {""} | {*_CODES, "RMB"}
)
"""The letters that a currency before its number may begin with."""

_LETTERS: Final = re.compile(r"[A-Za-z]+")
_LETTERS_ALONE: Final = "".join(
    character.lower() if character.isalpha() else " " for character in map(chr, range(128))
)
"""What stands for each character of ASCII where only letters are looked at."""


# several look for words of their own before they look at each
@remembered(256)
def letters(text: str) -> frozenset[str]:
    """Return the runs of letters of a text, in lower case."""
    if text.isascii():
        return frozenset(text.translate(_LETTERS_ALONE).split())
    return frozenset(map(str.lower, _LETTERS.findall(text)))


_TOKEN: Final = re.compile(r"[A-Za-z]+(?:\.[A-Za-z]+)*\$?|[$€£¥₹₩₺%]")
_ATTACHED: Final = re.compile(r"[\d)]\s{0,3}\Z")
_FIRST_WORDS: Final = frozenset(measure.split()[0] for measure in MEASURES if " " in measure)
_SIGNS: Final = "$€£¥₹₩₺"
_LETTER_SIGN: Final = re.compile(r"\$(?<=[A-Za-z]\$)")
_OPENINGS: Final = frozenset(
    found[0] for word in MEASURES if not word.endswith("$") and (found := _LETTERS.match(word))
)
"""The letters that a unit begins with, but for those that only a '$' behind them makes one."""
_FREE_PERCENT: Final = re.compile(r"%(?<![\d)]%)(?<![\d)]\s%)(?<![\d)]\s\s%)(?<![\d)]\s\s\s%)")
"""'%' with no number before it."""


@remembered(1_024)
def named_units(text: str) -> frozenset[str]:
    """Return the units that a text names, so that its bare numbers may be in them.

    Percent counts only where it stands by itself ('Change (%)'), not behind some other number.
    """
    if _OPENINGS.isdisjoint(letters(text)) and not _LETTER_SIGN.search(text):
        named = {MEASURES[sign][0] for sign in _SIGNS if sign in text}
        if "%" in text and _stands_alone(text, "%"):
            named.add(PERCENT)
        return frozenset(named)
    named = set()
    # a text has few words that are in question, and the same ones again and again
    for word in set(_TOKEN.findall(text)):
        lower = word.lower()
        if lower in _FIRST_WORDS:
            named.update(_paired(text, word))
        elif lower in MEASURES and (lower not in _CODES_LOWER or word in _CODES):
            unit, _ = MEASURES[lower]
            if unit != PERCENT or _stands_alone(text, word):
                named.add(unit)
    return frozenset(named)


def _paired(text: str, word: str) -> Iterator[str]:
    """Return the units that a word and the one behind it name: 'US dollars', 'basis points'."""
    for match in _TOKEN.finditer(text):
        if match[0] != word:
            continue
        lower = word.lower()
        following = _TOKEN.search(text, match.end())
        pair = text[match.start() : following.end()].lower() if following else lower
        unit, _ = MEASURES.get(pair) or MEASURES.get(lower) or (None, None)
        if unit and (unit != PERCENT or not _is_attached(text, match.start())):
            yield unit


def _stands_alone(text: str, word: str) -> bool:
    if word == "%":
        return _FREE_PERCENT.search(text) is not None
    places = (match.start() for match in _TOKEN.finditer(text) if match[0] == word)
    return any(not _is_attached(text, place) for place in places)


def _is_attached(text: str, place: int) -> bool:
    """Say whether a number stands before a place."""
    return _ATTACHED.search(text[max(0, place - 4) : place]) is not None


_CODES_LOWER: Final = frozenset(code.lower() for code in _CODES)
