"""Intervals of differences between two releases, which know that a conversation is one witness.

Requests of one conversation are alike, so they say less than as many strangers would. Rates: the
hybrid score interval of Newcombe (1998, method 10) over Wilson's (1927), with each sample shrunk
by its design effect (Rao and Scott, 1992). Means: Welch's t over whole conversations. Pairs: for
rates the adjusted Wald interval of Bonett and Price (2012), for means the paired t.

Where a sample is too small to know its own spread, that of both together stands in, and degrees
of freedom count conversations: each errs on the side of saying nothing.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

CONVERSATIONS_AT_LEAST: Final = 20
"""Fewer, on either side, say nothing."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Interval:
    """A difference, the second's value minus the first's, and what it lies between."""

    value: float
    low: float
    high: float


class Sample:
    """Values with the conversation that each is from."""

    def __init__(self, values: Sequence[float], conversations: Sequence[Hashable]) -> None:
        numbers: dict[Hashable, int] = {}
        places = [numbers.setdefault(each, len(numbers)) for each in conversations]
        self.count = len(values)
        self.conversations = len(numbers)
        self._sizes: Floats = np.asarray(np.bincount(places), np.float64)
        sums: Floats = np.asarray(np.bincount(places, weights=np.asarray(values)), np.float64)
        self.mean = float(sums.sum() / self.count) if self.count else float("nan")
        self._off: Floats = sums - self.mean * self._sizes

    @property
    def is_enough(self) -> bool:
        """Whether it can say anything."""
        return self.conversations >= CONVERSATIONS_AT_LEAST

    @property
    def spread(self) -> float:
        """Variance of one value as it counts here: n times the variance of the mean."""
        share = self.conversations / (self.conversations - 1)
        return float(share * (self._off**2).sum() / self.count)

    @property
    def size(self) -> float:
        """How many independent values of 0 or 1 it is worth."""
        alone = self.mean * (1 - self.mean)
        # where all are alike, as if each conversation were a single value
        alike = float((self._sizes**2).sum() / self.count)
        return self.count / max(self.spread / alone if alone else alike, 1.0)


def rates(first: Sample, second: Sample, level: float) -> Interval:
    """Return the difference of two rates of separate requests."""
    one, other = first.mean, second.mean
    low_1, high_1 = _wilson(first, level)
    low_2, high_2 = _wilson(second, level)
    value = other - one
    return Interval(
        value,
        value - float(np.hypot(other - low_2, high_1 - one)),
        value + float(np.hypot(high_2 - other, one - low_1)),
    )


def means(first: Sample, second: Sample, level: float) -> Interval:
    """Return the difference of two means of separate requests."""
    samples = (first, second)
    total = first.count + second.count
    together = sum(each.spread * each.count for each in samples) / total
    # a small sample that missed the rare large values believes itself to be exact
    errors = [max(each.spread, together) / each.count for each in samples]
    squares = sum(
        error**2 / (each.conversations - 1) for error, each in zip(errors, samples, strict=True)
    )
    freedom = sum(errors) ** 2 / squares if squares else float("inf")
    return _around(second.mean - first.mean, sum(errors), freedom, level)


def paired_rates(differences: Sample, wins: int, losses: int, level: float) -> Interval:
    """Return the difference of two rates of the same requests.

    `differences` are the second's value minus the first's, each -1, 0 or 1.
    """
    alone = (wins + losses) / differences.count - differences.mean**2
    effect = max(differences.spread / alone, 1.0) if alone > 0 else 1.0
    count = differences.count / effect
    up, down = (wins / effect + 1) / (count + 2), (losses / effect + 1) / (count + 2)
    error = (up + down - (up - down) ** 2) / (count + 2)
    around = _around(up - down, error, differences.conversations - 1, level)
    return Interval(differences.mean, around.low, around.high)


def paired_means(differences: Sample, level: float) -> Interval:
    """Return the difference of two means of the same requests."""
    error = differences.spread / differences.count
    return _around(differences.mean, error, differences.conversations - 1, level)


def _wilson(sample: Sample, level: float) -> tuple[float, float]:
    quantile = _quantile(level, sample.conversations - 1)
    rate, share = sample.mean, quantile**2 / sample.size
    middle = (rate + share / 2) / (1 + share)
    half = float(np.sqrt(share * rate * (1 - rate) + share**2 / 4)) / (1 + share)
    return max(middle - half, 0.0), min(middle + half, 1.0)


def _around(value: float, error: float, freedom: float, level: float) -> Interval:
    half = _quantile(level, freedom) * float(np.sqrt(error))
    return Interval(value, value - half, value + half)


def _quantile(level: float, freedom: float) -> float:
    return float(stdtrit(freedom, (1 + level) / 2))
