"""Figures that an answer's own working gives: equations, steps between them, and constants."""

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import permutations
from typing import Final

from services.validator.arithmetic import equation_before
from services.validator.claims import Claim, significant

CONSTANTS: Final = frozenset(map(Decimal, (1, 2, 3, 4, 5, 12, 100, 360, 365)))
"""What is computed with and needs no source: 'times 100', 'divided by 2', '365 days'."""
_OPERATOR_BEFORE: Final = re.compile(r"[*\u00d7\u00f7/x]\s*\(?\s*\Z")
_OPERATOR_AFTER: Final = re.compile(r"\s*\)?\s*[*\u00d7]")
_EQUALS: Final = re.compile(r"[=\u2248\u2245]")
_BACK: Final = 10
_STEPS: Final = 3
"""So many digits the figures of a step have; with fewer, two would give a third by chance."""


def is_constant(claim: Claim, answer: str) -> bool:
    """Say whether a figure is a plain constant of a computation."""
    figure = claim.figure
    if not any(a.value in CONSTANTS and a.unit in {None, "day"} for a in claim.amounts):
        return False
    before, after = (
        answer[max(0, figure.start - 4) : figure.start],
        answer[figure.end : figure.end + 4],
    )
    return bool(_OPERATOR_BEFORE.search(before) or _OPERATOR_AFTER.match(after))


def repeats(claim: Claim, earlier: Sequence[Claim]) -> bool:
    """Say whether a figure without scale repeats one that was given with it: '$1,228 / $39,403'."""
    if claim.figure.factor != 1:
        return False
    digits = {
        a.value.normalize().as_tuple().digits for a in claim.amounts if significant(a) >= _STEPS
    }
    return any(
        a.value.normalize().as_tuple().digits in digits for other in earlier for a in other.amounts
    )


def computed(
    answer: str, claims: Sequence[Claim], index: int, usable: Sequence[bool]
) -> Decimal | bool:
    """Return True where the answer's working gives a figure, False where it has none for it.

    Where it spells out a computation that gives something else, that value is returned.
    """
    claim = claims[index]
    equation = equation_before(answer, [c.figure for c in claims], index)
    if equation is not None and all(usable[i] for i in equation.operands):
        if any(_gives(claim, value) for value in (equation.value, equation.value * 100)):
            return True
        return equation.value
    line = answer[claim.offset : claim.figure.start].rpartition("\n")[2]
    if _EQUALS.search(line):
        known = [c for c, use in zip(claims[:index], usable, strict=False) if use][-_BACK:]
        return any(_gives(claim, value) for value in _steps(known))
    return False


def _gives(claim: Claim, value: Decimal) -> bool:
    return any(abs(value - amount.value) <= step / 2 for amount, step in claim.readings)


def _steps(claims: Sequence[Claim]) -> Iterator[Decimal]:
    """Return what one step of arithmetic makes of the figures given before."""
    amounts = [c.amounts[-1] for c in claims if c.amounts and significant(c.amounts[-1]) >= _STEPS]
    for one, other in permutations({a.value for a in amounts}, 2):
        yield one + other
        yield one - other
        yield (one + other) / 2
        if other:
            yield one / other
            yield one / other * 100
            yield (one - other) / other * 100
    for amount in amounts:
        yield amount.value / 2
