"""From which probability on a release may approve, with a promise that holds for any distribution.

Learn then Test (Angelopoulos, Bates, Candès, Jordan and Lei, 2021, arXiv:2110.01052): each
candidate threshold is a hypothesis 'more than `risk` of what it approves is wrong', tested with the
exact binomial tail, which is the Clopper-Pearson bound (1934). Candidates are tested in a fixed
order, from the strictest of a sequence to the loosest, until one is not rejected (fixed-sequence
testing), so that all tests together err with probability 1 - `confidence` at most. Which answers a
candidate approves depends on scores only, never on labels.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import numpy as np
from scipy.special import bdtr, betaincinv

from evals.judging import Judged
from evals.measures import auroc
from services.validator.grounding.model import model_digest
from services.validator.population import FEATURES, measured, outside
from shared.calibration import Calibration, Certificate, Population, Range

LEAST_ROWS: Final = 200
LEAST_AUROC: Final = 0.6
METHOD: Final = "Learn then Test, fixed-sequence, exact binomial (Clopper-Pearson) bound"
_MAIN: Final = tuple(share / 100 for share in range(20, 101, 2))
_STRICT: Final = tuple(share / 100 for share in range(5, 20, 1))
_MAIN_PART: Final = 0.8
"""Shares to approve, from the strictest on. The first sequence begins where approval is worth
having, at a fifth, and gets most of the error budget; the second serves where that is too much."""
_TAIL: Final = 1.0
_KEPT: Final = 0.98


@dataclass(frozen=True, slots=True)
class _Candidate:
    threshold: float
    approved: int
    wrong: int


def calibrate(
    judged: Sequence[Judged], *, risk: float, confidence: float, data: str
) -> Calibration:
    """Return a certificate, or the reason why the data supports none.

    `judged` must be answers that neither the model nor the threshold was fitted on; `data` is the
    hash of the file they come from.
    """
    probabilities = [row.probability for row in judged]
    truths = [row.example.supported for row in judged]
    if len(judged) < LEAST_ROWS:
        return Calibration(
            refused=f"{len(judged)} labelled answers are too few, {LEAST_ROWS} are the least"
        )
    ranks = auroc(probabilities, truths)
    if not ranks >= LEAST_AUROC:
        return Calibration(
            refused=f"the score does not rank: AUROC {ranks:.2f} on {len(judged)} answers, "
            f"{LEAST_AUROC} is the least"
        )
    chosen = choose(
        [(row.probability if row.clean else -1.0, row.example.supported) for row in judged],
        risk=risk,
        confidence=confidence,
    )
    if chosen is None:
        return Calibration(
            refused=f"no threshold keeps wrong approvals to {risk:.1%} with confidence "
            f"{confidence:.0%} on these {len(judged)} answers: label more, or allow more risk"
        )
    best, bound = chosen
    return Calibration(
        certificate=Certificate(
            threshold=best.threshold,
            risk=risk,
            confidence=confidence,
            method=METHOD,
            bound=round(bound, 6),
            rows=len(judged),
            groups=len({row.example.group for row in judged}),
            approved=best.approved,
            wrong=best.wrong,
            auroc=round(ranks, 4),
            data=data,
            model=model_digest(),
            made=datetime.now(UTC).date(),
            population=population(judged),
        )
    )


def choose(
    scored: Sequence[tuple[float, bool]], *, risk: float, confidence: float
) -> tuple[_Candidate, float] | None:
    """Return the loosest threshold whose risk is bounded, and the bound; None where none is.

    A score below 0 is never approved.
    """
    found = None
    for shares, part in ((_STRICT, 1 - _MAIN_PART), (_MAIN, _MAIN_PART)):
        allowed = (1 - confidence) * part
        for share in shares:
            candidate = _candidate(scored, share)
            if candidate is None or not candidate.approved:
                break
            wrong, approved = candidate.wrong, candidate.approved
            if bdtr(wrong, approved, risk) > allowed:
                break
            bound = betaincinv(wrong + 1, approved - wrong, 1 - allowed)
            if found is None or candidate.threshold < found[0].threshold:
                found = (candidate, float(bound))
    return found


def _candidate(scored: Sequence[tuple[float, bool]], share: float) -> _Candidate | None:
    """Return the threshold that approves a share of all, as near as scores allow."""
    order = sorted((score for score, _ in scored), reverse=True)
    wanted = order[max(0, round(share * len(order)) - 1)]
    if wanted < 0:
        return None
    threshold = float(np.floor(wanted * 1e6) / 1e6)
    truths = [truth for score, truth in scored if score >= threshold]
    return _Candidate(threshold, len(truths), sum(not truth for truth in truths))


def population(judged: Sequence[Judged]) -> Population:
    """Describe calibration data: ranges of the middle 98%, and how many may be left at once.

    `features_out` is the least number of features out of range that at most 2% of the data itself
    reach: so about one answer in fifty of the same sort goes to a person by this rule.
    """
    rows = [measured(row.assessment) for row in judged]
    ranges = {}
    for name in FEATURES:
        low, high = np.percentile([row[name] for row in rows], [_TAIL, 100 - _TAIL])
        ranges[name] = Range(low=round(float(low), 6), high=round(float(high), 6))
    outs = [len(outside(row, ranges)) for row in rows]
    most = int(np.quantile(outs, _KEPT, method="inverted_cdf"))
    kinds = [row.assessment.kind.value for row in judged]
    return Population(
        kinds={kind: round(kinds.count(kind) / len(kinds), 4) for kind in sorted(set(kinds))},
        ranges=ranges,
        features_out=most + 1,
    )
