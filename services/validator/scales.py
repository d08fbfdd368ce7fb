"""What a table says of the numbers in it: '(in millions)', '€m', '$000s'."""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from services.validator.remembered import remembered
from services.validator.units import CURRENCIES, CURRENCY_BEFORE, alternatives

_SYMBOLS: Final = [name for name in CURRENCIES if not name[-1].isalpha()]
_NAMES: Final = ["us", "u.s.", "rmb", *(name for name in CURRENCIES if name[-1].isalpha())]
_OF_MONEY: Final = rf"(?:(?:(?:{alternatives(_NAMES)})\s|(?:{alternatives(_SYMBOLS)})\s?){{0,2}})"
"""Pattern of what may stand within 'in US$ millions'; 'in nine million' is a number of its own."""
TABLE_SCALE: Final = rf"""(?ix:
    \bin\s{_OF_MONEY}(?:thousands|millions|billions)\b
    | \((?:thousands|millions|billions|mill\.)[^)\n\d]{{0,40}}\)
    | (?<![\d.])[$€£¥]\s?\s?(?:['\u2018\u2019]?000s?|mn?|mm|bn|(?:thousand|million|billion)s?)
      (?![\w,.])
    | (?<![\d.])[$€£¥]\s?(?:mill?|mln)\b(?!,)
    | [$€£¥]\sin\smm\b
    | {CURRENCY_BEFORE}[\s'\u2019](?:thousand|million|billion)s?\b
    | \((?:in\s)?['\u2018\u2019]?000['\u2018\u2019]?s?(?:\somitted)?\)
    | \bin\s['\u2018\u2019]?000['\u2018\u2019]?s?(?![\w,.])
    | (?<!\w)['\u2018\u2019]000s?(?!\w)
    | \bin\s{_OF_MONEY}(?:mil|mill|mln|mn|bn)(?![\w,])
    | \bin\s{_OF_MONEY}(?:thousand|million|billion)
      (?=\s?[)|;\]\n]|\s?\Z|\s(?:of\s)?(?:euros?|dollars|yen|pounds|rupees)\b)
    | (?:(?<![\d.])[$€£¥]|\b(?:USD|EUR|GBP|CHF|SEK|NOK|DKK|CAD|AUD|JPY|RMB|INR)\s?)
      (?:['\u2018\u2019]000|['\u2018\u2019]?(?:k|mn?|mm|bn))(?![\w,.])
    | (?:^|(?<=[(|;\t\n])|(?<=[(|;]\s)|(?<=[|,;\t\n]"))(?:thousands|millions|billions)\sof\s
      (?:US\s|U\.S\.\s)?(?:dollars|euros?|pounds|yen|[$€£])
)"""
"""Pattern of a scale that no number stands before: it is one of a table, or of a column."""

_FIND: Final = re.compile(TABLE_SCALE)
_PLURAL_LIST: Final = (
    "thousands;millions;billions;(mill.;'000;\u2018000;\u2019000;(000;in 000;in mil;in mm; mln; mn"
    ";in bn"
)
_PLURALS: Final = _PLURAL_LIST.split(";")
_CODES: Final = ["USD", "EUR", "GBP", "CHF", "SEK", "NOK", "DKK", "CAD", "AUD", "JPY", "RMB", "INR"]
_SIGNS: Final = "$€£¥"
_SIGN_HINT: Final = re.compile(r"[$€£¥]\s{0,2}['\u2018\u2019]?[0mbtk]")
_WORDS: Final = ("thou", "mill", "bill")
_WORD_HINT: Final = re.compile(r"(?:thou|mill|bill)(?<=[a-z$€£¥₹₩₺][\s'\u2019]\w{4})")
"""What no scale is stated without, in lower case: found fast, where the whole pattern is slow."""
_CODE_HINT: Final = re.compile(rf"\b(?:{'|'.join(_CODES)})\s?['\u2018\u2019]?[kmbKMB0]")
_THOUSANDS: Final = re.compile("thousand|000|k$", re.IGNORECASE)
_BILLIONS: Final = re.compile("billion|bn", re.IGNORECASE)
_EXCEPT: Final = re.compile(r"[^)\n]{0,60}except", re.IGNORECASE)
_WORD: Final = re.compile(r"[^\W\d_]{2,}")
_MOST_WORDS: Final = 8
_LONGEST_ROW: Final = 200


@dataclass(frozen=True, slots=True)
class TableScale:
    """The scale of the bare numbers from `start` on; `exceptions` where some are left out of it."""

    start: int
    factor: Decimal
    exceptions: bool


class Tables:
    """The scales that a text states, and where they hold."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._scales = stated_scales(text)
        self._starts = [scale.start for scale in self._scales]

    def scale_at(self, position: int) -> TableScale | None:
        """Return the last scale stated before `position`, if any."""
        index = bisect_right(self._starts, position)
        return self._scales[index - 1] if index else None

    def row_at(self, position: int) -> str | None:
        """Return the line at `position` if it is a table's row: few words, no full stop."""
        start = self._text.rfind("\n", max(0, position - _LONGEST_ROW), position) + 1
        end = self._text.find("\n", position, start + _LONGEST_ROW)
        if end < 0:
            end = len(self._text)
        line = self._text[start : min(end, start + _LONGEST_ROW)].rstrip()
        if end - start > _LONGEST_ROW or line.endswith((".", "!", "?")):
            return None
        return line if len(_WORD.findall(line)) <= _MOST_WORDS else None


def find_scales(text: str) -> Iterator[re.Match[str]]:
    """Return the places where a text states a scale."""
    return _FIND.finditer(text) if states_scale(text) else iter(())


def may_state_scale(text: str) -> bool:
    """Say whether a text may state a scale; of most this rules it out."""
    lower = text.lower()
    if any(map(lower.__contains__, _PLURALS)):
        return True
    if any(map(lower.__contains__, _SIGNS)) and _SIGN_HINT.search(lower) is not None:
        return True
    if any(map(lower.__contains__, _WORDS)) and _WORD_HINT.search(lower) is not None:
        return True
    return any(map(text.__contains__, _CODES)) and _CODE_HINT.search(text) is not None


# several ask it of the same text
states_scale: Final = remembered(256)(may_state_scale)


@remembered(1_024)
def stated_scales(text: str) -> tuple[TableScale, ...]:
    """Return the scales that a text states, in their order."""
    return tuple(
        TableScale(m.start(), _factor(m[0]), bool(_EXCEPT.match(text, m.end())))
        for m in find_scales(text)
    )


def stated_scale(text: str) -> TableScale | None:
    """Return the first scale that a text states, if any."""
    return next(iter(stated_scales(text)), None)


def _factor(written: str) -> Decimal:
    if _THOUSANDS.search(written):
        return Decimal(1_000)
    return Decimal(1_000_000_000 if _BILLIONS.search(written) else 1_000_000)
