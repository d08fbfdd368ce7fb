"""How well probabilities rank and how well calibrated they are, with intervals."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

_BINS: Final = 10
_RESAMPLES: Final = 1_000
_CUTS: Final = np.linspace(0.05, 0.95, 91)
_AS_GOOD: Final = 1e-3
_SUREST: Final = 1e-6
_UNBOUND: Final = 1e4
"""scikit-learn's C: hardly a ridge."""

Numbers = Sequence[float]
Truths = Sequence[bool]
Measure = Callable[[Numbers, Truths], float]


def auroc(scores: Numbers, truths: Truths) -> float:
    """Return the chance that a true one ranks above a false one, ties counting half.

    NaN where there are none of either.
    """
    score, truth = np.asarray(scores, float), np.asarray(truths, bool)
    positive, negative = int(truth.sum()), int((~truth).sum())
    if not positive or not negative:
        return float("nan")
    _, place, counts = np.unique(score, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
    return float((ranks[truth].sum() - positive * (positive + 1) / 2) / (positive * negative))


@dataclass(frozen=True, slots=True)
class Bin:
    """Probabilities of one tenth of the rows: what was said on average, and what was so."""

    count: int
    said: float
    was: float


def bins(probabilities: Numbers, truths: Truths, count: int = _BINS) -> list[Bin]:
    """Return bins of equal width over 0 to 1; empty ones are left out."""
    probability, truth = np.asarray(probabilities, float), np.asarray(truths, float)
    place = np.minimum((probability * count).astype(int), count - 1)
    return [
        Bin(int(chosen.sum()), float(probability[chosen].mean()), float(truth[chosen].mean()))
        for index in range(count)
        if (chosen := place == index).any()
    ]


def calibration_error(probabilities: Numbers, truths: Truths) -> float:
    """Return the expected calibration error over ten bins of equal width (Naeini et al., 2015)."""
    total = len(probabilities)
    return sum(b.count * abs(b.said - b.was) for b in bins(probabilities, truths)) / max(1, total)


def f1(flagged: Truths, wrong: Truths) -> float:
    """Return the F1 of flagging what is wrong."""
    hit = sum(f and w for f, w in zip(flagged, wrong, strict=True))
    total = sum(flagged) + sum(wrong)
    return 2 * hit / total if total else float("nan")


def best_cut(probabilities: Numbers, truths: Truths) -> float:
    """Return the probability under which flagging has the best F1 that is to be expected.

    Which cut is best on the rows themselves is a matter of single answers. Expected is what their
    probabilities promise once a logistic regression has calibrated them (Platt, 1999), as in
    Lipton et al., 2014, arXiv:1402.1892; of cuts as good it is the middle.
    """
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - to load, for fits alone

    said = np.clip(np.asarray(probabilities, float), _SUREST, 1 - _SUREST)
    logit = np.log(said / (1 - said))[:, None]
    calibrated = LogisticRegression(C=_UNBOUND).fit(logit, np.asarray(truths, bool))
    risk = calibrated.predict_proba(logit)[:, 0]
    flagged = said[None, :] < _CUTS[:, None]
    marks = 2 * (flagged * risk).sum(axis=1) / (flagged.sum(axis=1) + risk.sum())
    return float(np.median(_CUTS[marks >= marks.max() - _AS_GOOD]))


@dataclass(frozen=True, slots=True)
class Interval:
    """A measure with the middle 95% of its resamples."""

    value: float
    low: float
    high: float


def interval(
    measure: Measure, scores: Numbers, truths: Truths, groups: Sequence[str], seed: int = 0
) -> Interval:
    """Return a measure with its bootstrap interval; whole groups are drawn, never single rows."""
    score, truth = np.asarray(scores, float), np.asarray(truths, bool)
    members: dict[str, list[int]] = {}
    for index, group in enumerate(groups):
        members.setdefault(group, []).append(index)
    places: list[NDArray[np.int64]] = [np.array(rows) for rows in members.values()]
    random = np.random.default_rng(seed)
    values = []
    for _ in range(_RESAMPLES):
        drawn = random.integers(0, len(places), len(places))
        chosen = np.concatenate([places[i] for i in drawn])
        values.append(measure(score[chosen].tolist(), truth[chosen].tolist()))
    low, high = np.nanpercentile(values, [2.5, 97.5])
    return Interval(measure(scores, truths), float(low), float(high))
