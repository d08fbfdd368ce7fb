"""Sums that an answer writes out: '(40 - 32) / 32 = 25%'. They hold, or the answer is wrong.

A parser of its own, of + - * / and brackets over numbers: `eval` is no way to read what a language
model wrote. Every pattern is bounded; a line is read once.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

_TOKEN: Final = re.compile(
    r"\s*+(?:(?P<number>(?:\d{1,3}(?:,\d{3})++|\d++)(?:\.\d++)?|\.\d++)|(?P<sign>[-+*/()])"
    r"|(?P<noise>[$€£%]|(?:thousand|million|billion|trillion|days?|shares)\b))",
    re.IGNORECASE,
)
_SYMBOLS: Final = str.maketrans(
    {"\u00d7": "*", "\u00f7": "/", "\u2212": "-", "\u2013": "-", "≈": "="}
)
_TIMES: Final = re.compile(r"(?<=[\d)\s])[x\u00d7](?=[\s\d(])")
_RESULT: Final = re.compile(
    r"[\s~$€£]{0,4}(?P<number>\(?[-\u2212]?\s?[$€£]?\s?\(?"
    r"(?P<digits>(?:\d{1,3}(?:,\d{3})+|\d{1,15})(?:\.\d{1,10})?|\.\d{1,10}))",
)
_SIGNS: Final = frozenset("+-*/")
_LONGEST_LINE: Final = 2_000
_LONGEST: Final = 200
_SCALES: Final = (1.0, 100.0, 0.01, 1e-3, 1e3, 1e-6, 1e6)
"""What a result may be off by: percent, or another scale word."""
_SLACK: Final = 0.002
"""Operands are written rounded: a result may differ by so much of itself."""


@dataclass(frozen=True, slots=True)
class Equation:
    """An equation; the digits of its result stand from `start` to `end` of the answer."""

    text: str
    start: int
    end: int
    holds: bool


def equations(answer: str) -> tuple[Equation, ...]:
    """Return the written-out sums of an answer that can be read, in their order."""
    return tuple(_equations(answer))


def _equations(answer: str) -> Iterator[Equation]:
    position = 0
    for line in answer.splitlines(keepends=True):
        if len(line) <= _LONGEST_LINE and ("=" in line or "≈" in line):
            plain = _TIMES.sub("*", line.translate(_SYMBOLS))
            ends = [-1, *(i for i, character in enumerate(plain) if character == "="), len(plain)]
            for (before, at), (_, after) in pairwise(pairwise(ends)):
                found = _equation(plain[before + 1 : at], plain[at + 1 : after], at + 1)
                if found:
                    text, start, end, holds = found
                    yield Equation(text, position + start, position + end, holds)
        position += len(line)


def _equation(left: str, right: str, at: int) -> tuple[str, int, int, bool] | None:
    result = _RESULT.match(right)
    tokens = _tokens(left[-_LONGEST:])
    if result is None or _SIGNS.isdisjoint(tokens):
        return None
    value = _value(tokens)
    if value is None:
        return None
    digits = result["digits"]
    written = float(digits.replace(",", ""))
    decimals = len(digits.partition(".")[2])
    slack = 1.01 * 10**-decimals + _SLACK * abs(written)
    holds = any(abs(abs(value * scale) - written) <= slack for scale in _SCALES)
    text = f"{' '.join(tokens)} = {digits}"
    return text, at + result.start("digits"), at + result.end("digits"), holds


def _tokens(left: str) -> list[str]:
    """Return the longest run of numbers and signs at the end of a text."""
    tokens: list[str] = []
    position = 0
    while position < len(left):
        match = _TOKEN.match(left, position)
        if match is None:
            if not left[position].isspace():
                tokens = []
            position += 1
            continue
        position = match.end()
        if match["number"]:
            tokens.append(match["number"].replace(",", ""))
        elif match["sign"]:
            tokens.append(match["sign"])
    while tokens and tokens[0] in "+*/)":
        tokens.pop(0)
    return tokens


class _Unreadable(Exception):  # noqa: N818 - it never leaves this module
    """What stands there is no sum."""


def _value(tokens: list[str]) -> float | None:
    parser = _Parser(tokens)
    try:
        value = parser.sum()
    except (_Unreadable, ZeroDivisionError, RecursionError):
        return None
    return value if parser.is_done else None


class _Parser:
    """Recursive descent over sums, products and atoms."""

    def __init__(self, tokens: list[str]) -> None:
        self._tokens = tokens
        self._at = 0

    @property
    def is_done(self) -> bool:
        return self._at == len(self._tokens)

    def sum(self) -> float:
        value = self._product()
        while (sign := self._take("+", "-")) is not None:
            other = self._product()
            value = value + other if sign == "+" else value - other
        return value

    def _product(self) -> float:
        value = self._atom()
        while (sign := self._take("*", "/")) is not None:
            other = self._atom()
            value = value * other if sign == "*" else value / other
        return value

    def _atom(self) -> float:
        if self._take("-"):
            return -self._atom()
        if self._take("("):
            value = self.sum()
            if self._take(")") is None:
                raise _Unreadable
            return value
        if self.is_done or not self._tokens[self._at][-1].isdigit():
            raise _Unreadable
        self._at += 1
        return float(self._tokens[self._at - 1])

    def _take(self, *wanted: str) -> str | None:
        if not self.is_done and self._tokens[self._at] in wanted:
            self._at += 1
            return self._tokens[self._at - 1]
        return None
