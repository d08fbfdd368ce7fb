"""How large a computed value must be to be a claimed one: by floats, before exact arithmetic."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

from services.validator.claims import Claim
from services.validator.computations import Result
from services.validator.units import PERCENT

_SLACK: Final = 1e-9
"""Share of a size by which floats may be off, and more."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """The sizes that values of each kind may have, and those of an amount without its scale."""

    of_kind: dict[str, list[tuple[float, float]]]
    raw: Sequence[tuple[float, float]]

    @classmethod
    def of(cls, claim: Claim) -> Self:
        """Return what a claimed figure may be, in whatever unit and sign."""
        found = defaultdict(list)
        raw = []
        for amount, step in claim.readings:
            size, half = abs(amount.value), step / 2
            slack = float(size + half) * _SLACK
            low, high = float(size - half) - slack, float(size + half) + slack
            bare = amount.unit is None and claim.figure.factor == 1
            if bare or claim.wordless:
                raw.append((low, high))
            if amount.unit == PERCENT:
                found["percent"].append((low, high))
                found["ratio"].append((low / 100, high / 100))
                continue
            found["amount"].append((low, high))
            if bare:
                found["percent"] += [(low, high), (low * 100, high * 100)]
            if bare or amount.unit == "times":
                found["ratio"] += [(low, high), (low / 100, high / 100)]
        return cls(dict(found), raw)

    def have(self, result: Result) -> bool:
        """Say whether a result is of one of the sizes."""
        size = abs(float(result.value))
        for low, high in self.of_kind.get(result.kind, ()):
            if low <= size <= high:
                return True
        if not self.raw or result.kind != "amount":
            return False
        size = abs(float(result.raw))
        return any(low <= size <= high for low, high in self.raw)
