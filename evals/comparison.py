"""Whether one run is better than another on the same answers, or nobody can say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import numpy as np

from evals.measures import Measure, auroc, calibration_error

_RESAMPLES: Final = 1_000


class ComparisonError(ValueError):
    """Two runs cannot be compared; the message says why."""


class Outcome(StrEnum):
    """What a difference amounts to."""

    BETTER = "better"
    WORSE = "worse"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True)
class Difference:
    """By how much the second run is better (above 0) than the first, with a 95% interval."""

    set: str
    measure: str
    value: float
    low: float
    high: float

    @property
    def outcome(self) -> Outcome:
        """Better or worse where the whole interval is; else inconclusive."""
        if self.low > 0:
            return Outcome.BETTER
        return Outcome.WORSE if self.high < 0 else Outcome.INCONCLUSIVE


_MEASURES: Final[Mapping[str, tuple[Measure, int]]] = {
    "auroc": (auroc, 1),
    "ece": (calibration_error, -1),
}


def compare(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Difference]:
    """Compare two runs, answer by answer, each set by itself. Raises `ComparisonError`."""
    ours = {(row["set"], row["id"]): row for row in before["answers"]}
    theirs = {(row["set"], row["id"]): row for row in after["answers"]}
    if ours.keys() != theirs.keys():
        raise ComparisonError(
            f"the runs judged different answers ({len(ours.keys() ^ theirs.keys())} are in one "
            "only): run both on the same sets"
        )
    found: list[Difference] = []
    for name in sorted({key[0] for key in ours}):
        keys = sorted(key for key in ours if key[0] == name)
        ours_, theirs_ = [ours[key] for key in keys], [theirs[key] for key in keys]
        found += [_difference(name, measure, ours_, theirs_) for measure in _MEASURES]
    return found


def _difference(
    name: str,
    measure: str,
    before: Sequence[Mapping[str, Any]],
    after: Sequence[Mapping[str, Any]],
) -> Difference:
    function, sign = _MEASURES[measure]
    truth = np.array([row["supported"] for row in before])
    first = np.array([row["probability"] for row in before])
    second = np.array([row["probability"] for row in after])
    members: dict[str, list[int]] = {}
    for index, row in enumerate(before):
        members.setdefault(row["group"], []).append(index)
    places = [np.array(rows) for rows in members.values()]

    def gain(chosen: Any) -> float:
        picked = truth[chosen].tolist()
        return sign * (
            function(second[chosen].tolist(), picked) - function(first[chosen].tolist(), picked)
        )

    random = np.random.default_rng(0)
    values = []
    for _ in range(_RESAMPLES):
        drawn = random.integers(0, len(places), len(places))
        values.append(gain(np.concatenate([places[i] for i in drawn])))
    low, high = np.nanpercentile(values, [2.5, 97.5])
    return Difference(name, measure, gain(np.arange(len(truth))), float(low), float(high))
