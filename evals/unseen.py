"""How well a fit does on what it has not seen, and where to flag by that."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import GroupKFold

from evals.measured import Measured
from evals.measures import auroc, best_cut, calibration_error, f1, interval
from evals.regression import Array
from evals.stages import ANSWER_FEATURES, Fitted, fit
from services.validator.grounding.claim import Kind

_FOLDS: Final = 5
_NATURAL: Final = frozenset({"ragtruth", "summedits", "finqa"})


def report(fitted: Fitted, rows: Sequence[Measured]) -> Iterable[str]:
    """Say, set by set, how well examples are ranked and how well calibrated they are."""
    every = {row.example.set for row in rows}
    for which in [*sorted(every), None]:
        mine = [row for row in rows if which in (None, row.example.set)]
        probability = [fitted.probability(row) for row in mine]
        truth = [row.example.supported for row in mine]
        yield (
            f"{which or 'together':12} n={len(mine):5} supported={np.mean(truth):.2f} "
            f"auroc={auroc(probability, truth):.3f} "
            f"ece={calibration_error(probability, truth):.3f} "
            f"mean={np.mean(probability):.2f}"
        )


def cross(rows: Sequence[Measured], others: Sequence[Measured], split: int) -> Iterable[str]:
    """Say how well each fifth of the groups is judged by a fit on the rest, and `others` by all.

    Made examples stay with what they were made from. F1 is of flagging what is unsupported, each
    kind at the threshold that was best on the other fifths, they too judged by fits that had not
    seen them.
    """
    probability, fold = _unseen(rows, split)
    flagged = _flagged(rows, probability, fold)
    if others:
        everything = fit(rows)
        rows = [*rows, *others]
        probability = np.append(probability, [everything.probability(row) for row in others])
        flagged = np.append(flagged, [False] * len(others))
    natural = _NATURAL | {"financebench"}
    for which in [*sorted({row.example.set for row in rows}), natural]:
        mine = [
            i
            for i, row in enumerate(rows)
            if row.example.set in ({which} if isinstance(which, str) else which)
        ]
        truth = [rows[i].example.supported for i in mine]
        said = probability[mine].tolist()
        group = [rows[i].example.group for i in mine]
        ranks, error = (
            interval(auroc, said, truth, group),
            interval(calibration_error, said, truth, group),
        )
        yield (
            f"{which if isinstance(which, str) else 'natural sets':12} n={len(mine):5} "
            f"auroc={ranks.value:.3f} ({ranks.low:.3f}-{ranks.high:.3f}) "
            f"ece={error.value:.3f} ({error.low:.3f}-{error.high:.3f}) "
            f"f1={f1(flagged[mine].tolist(), [not t for t in truth]):.3f} "
            f"said={np.mean(said):.2f} was={np.mean(truth):.2f}"
        )


def _unseen(rows: Sequence[Measured], split: int) -> tuple[Array, NDArray[np.int64]]:
    """Return the probability of each row by a fit on the folds without its group, and its fold."""
    groups = [row.example.group for row in rows]
    probability, fold = np.zeros(len(rows)), np.zeros(len(rows), int)
    parts = GroupKFold(_FOLDS, shuffle=True, random_state=split).split(rows, groups=groups)
    for place, (seen, unseen) in enumerate(parts):
        fitted = fit([rows[i] for i in seen])
        fold[unseen] = place
        probability[unseen] = [fitted.probability(rows[i]) for i in unseen]
    return probability, fold


def _flagged(
    rows: Sequence[Measured], probability: Array, fold: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Return which rows are flagged, each kind and fold at what is best on its other folds."""
    flagged = np.zeros(len(rows), bool)
    for kind in ANSWER_FEATURES:
        for place in range(_FOLDS):
            flag = _flag(kind, rows, probability, fold != place)
            mine = (fold == place) & np.array([row.kind is kind for row in rows])
            flagged[mine] = probability[mine] < flag
    return flagged


def _flag(
    kind: Kind, rows: Sequence[Measured], probability: Array, known: NDArray[np.bool_]
) -> float:
    """Return where flagging answers of a kind is best, on those known that people labelled.

    People's worked answers are all right: for that kind, those that are made count.
    """
    sets = {"worked"} if kind is Kind.WORKED else _NATURAL
    kept = [
        (said, row.example.supported)
        for said, row, is_known in zip(probability.tolist(), rows, known.tolist(), strict=True)
        if is_known and row.kind is kind and row.example.set in sets
    ]
    return best_cut([said for said, _ in kept], [supported for _, supported in kept])


def flags(rows: Sequence[Measured]) -> Mapping[Kind, float]:
    """Return for each kind where to flag: the median over splits, by fits that had not seen it."""
    splits = [_unseen(rows, split)[0] for split in range(_FOLDS)]
    every = np.ones(len(rows), bool)
    return {
        kind: float(np.median([_flag(kind, rows, each, every) for each in splits]))
        for kind in ANSWER_FEATURES
    }
