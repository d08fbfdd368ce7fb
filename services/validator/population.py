"""Whether an answer is like the data that its release was calibrated on: the shift test.

A certificate promises something of answers drawn like the calibration data. An answer that lies
outside the middle 98% of that data in several features at once is not covered by the promise and goes to
a person. It is deliberately plain: each reason can be read in the certificate and in the answer.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from services.validator.grounding.model import Assessment
from shared.calibration import Population, Range

FEATURES: Final = (
    "words",
    "figures",
    "numbers_a_word",
    "figures_right",
    "asked_answered",
    "asked_covered",
    "new_share",
    "copied",
    "passages",
)
"""What is compared: of the answer as a whole, and two means over its claims."""
_RARE: Final = 0.01
_TAIL: Final = 1.0
_KEPT: Final = 0.98


def measured(assessment: Assessment) -> Mapping[str, float]:
    """Return the features of an answer that are compared."""
    return {name: assessment.population[name] for name in FEATURES}


def population(assessments: Sequence[Assessment]) -> Population:
    """Describe calibration data: ranges of the middle 98%, and how many may be left at once.

    `features_out` is the least number of features out of range that fewer than 2% of the data
    itself reach: so about one answer in fifty of the same kind goes to a person by this rule.
    """
    rows = [measured(assessment) for assessment in assessments]
    ranges = {}
    for name in FEATURES:
        low, high = np.percentile([row[name] for row in rows], [_TAIL, 100 - _TAIL])
        ranges[name] = Range(low=round(float(low), 6), high=round(float(high), 6))
    outs = [len(_outside(row, ranges)) for row in rows]
    most = int(np.quantile(outs, _KEPT, method="inverted_cdf"))
    kinds = [assessment.kind.value for assessment in assessments]
    return Population(
        kinds={kind: round(kinds.count(kind) / len(kinds), 4) for kind in sorted(set(kinds))},
        ranges=ranges,
        features_out=most + 1,
    )


def unlike(assessment: Assessment, known: Population) -> str | None:
    """Return how an answer is unlike the calibration data, in words; None where it is like it."""
    kind = assessment.kind.value
    if known.kinds.get(kind, 0.0) < _RARE:
        return f"hardly any of them was of the kind '{kind}'"
    outside = _outside(measured(assessment), known.ranges)
    if len(outside) < known.features_out:
        return None
    return f"out of their range in {', '.join(outside)}"


def _outside(row: Mapping[str, float], ranges: Mapping[str, Range]) -> list[str]:
    return [
        name
        for name, span in ranges.items()
        if name in row and not span.low - 1e-6 <= row[name] <= span.high + 1e-6
    ]
