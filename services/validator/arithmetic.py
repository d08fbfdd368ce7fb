"""Computations that an answer spells out: '(5,686 - 6,092) / 6,092 = -6.7%'."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, DivisionByZero, InvalidOperation, Overflow
from typing import Final

from services.validator.figures import Figure
from services.validator.periods import amounts_of

_EQUALS: Final = re.compile(
    r"\s*(?:=|\u2248|\u2245|~)\s*(?:approximately|about)?\s*[-($€£]{0,3}\s*\Z"
)
_BETWEEN: Final = re.compile(
    r"\s*(?P<symbols>(?:[-+*/\u00d7\u00f7x\u2212\u2013()\[\]]\s*){1,6})\s*"
)
_SAME: Final = str.maketrans("\u00d7x\u00f7\u2212\u2013[]", "**/--()")
_MOST: Final = 16
"""So many figures a computation has at most."""
_BINDS: Final = {"+": 1, "-": 1, "*": 2, "/": 2}


@dataclass(frozen=True, slots=True)
class Equation:
    """What stands left of a figure's equals sign: its value, and the figures in it."""

    value: Decimal
    operands: tuple[int, ...]


def equation_before(text: str, figures: Sequence[Figure], index: int) -> Equation | None:
    """Return the computation that the figure at `index` is said to be the result of, if any.

    Constants such as the 100 of 'times 100' or the 3 of an average are operands too.
    """
    if index == 0:
        return None
    gap = text[figures[index - 1].end : figures[index].start]
    cut = gap.rfind("=") if "=" in gap else gap.rfind("\u2248")
    if cut < 0 or not _EQUALS.match(gap[cut:]):
        return None
    closing = gap[:cut].strip()
    if closing.strip(")] "):
        return None
    tokens: list[str | int] = [c for c in closing.translate(_SAME) if c in "()"]
    first = index - 1
    tokens.insert(0, first)
    while first > 0 and index - first < _MOST:
        between = _BETWEEN.fullmatch(text, figures[first - 1].end, figures[first].start)
        symbols = between["symbols"] if between else _minus(text, figures, first)
        if symbols is None:
            break
        first -= 1
        tokens[:0] = [first, *(c for c in symbols.translate(_SAME) if not c.isspace())]
    opening = re.search(
        r"[(\[\s]*\Z", text[max(0, figures[first].start - 6) : figures[first].start]
    )
    tokens[:0] = [c for c in (opening[0] if opening else "").translate(_SAME) if c == "("]
    operands = tuple(item for item in tokens if isinstance(item, int))
    if len(operands) < 2:  # noqa: PLR2004 - 'x = 5' computes nothing
        return None
    value = _evaluate(_balanced(tokens), figures)
    return None if value is None else Equation(value, operands)


def _minus(text: str, figures: Sequence[Figure], at: int) -> str | None:
    """Read 'a -b', where the sign was taken for the second figure's own."""
    plain = not text[figures[at - 1].end : figures[at].start].strip()
    return "" if plain and figures[at].text[:1] in "-\u2212\u2013" else None


def _balanced(tokens: list[str | int]) -> list[str | int]:
    """Leave out brackets that have no partner."""
    opened: list[int] = []
    lost: set[int] = set()
    for place, item in enumerate(tokens):
        if item == "(":
            opened.append(place)
        elif item == ")":
            if opened:
                opened.pop()
            else:
                lost.add(place)
    lost.update(opened)
    return [item for place, item in enumerate(tokens) if place not in lost]


def _evaluate(tokens: Sequence[str | int], figures: Sequence[Figure]) -> Decimal | None:
    """Evaluate by precedence (Dijkstra's shunting yard); None where it is no expression."""
    values: list[Decimal] = []
    waiting: list[str] = []
    try:
        for item in _signed(tokens):
            if isinstance(item, int):
                amounts = amounts_of(figures[item])
                values.append(amounts[-1].value)
            elif item == "(":
                waiting.append(item)
            elif item == ")":
                while waiting[-1] != "(":
                    _apply(values, waiting.pop())
                waiting.pop()
            else:
                while waiting and waiting[-1] != "(" and _BINDS[waiting[-1]] >= _BINDS[item]:
                    _apply(values, waiting.pop())
                waiting.append(item)
        while waiting:
            _apply(values, waiting.pop())
    except (IndexError, KeyError, InvalidOperation, DivisionByZero, Overflow):
        return None
    return values[0] if len(values) == 1 else None


def _signed(tokens: Sequence[str | int]) -> Iterator[str | int]:
    """Put a plus before a figure that carries its own sign behind another figure."""
    before: str | int | None = None
    for item in tokens:
        if isinstance(item, int) and isinstance(before, int):
            yield "+"
        yield item
        before = item


def _apply(values: list[Decimal], operator: str) -> None:
    right, left = values.pop(), values.pop()
    if operator == "+":
        values.append(left + right)
    elif operator == "-":
        values.append(left - right)
    elif operator == "*":
        values.append(left * right)
    else:
        values.append(left / right)
