"""Whether an answer is like the data that its release was calibrated on: the shift test.

A certificate promises something of answers drawn like the calibration data. An answer that lies
outside the middle 98% of that data in several features at once is not covered by the promise and
goes to a person. It is deliberately plain: each reason can be read in certificate and answer.
"""

from collections.abc import Mapping
from typing import Final

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


def measured(assessment: Assessment) -> Mapping[str, float]:
    """Return the features of an answer that are compared."""
    return {name: assessment.population[name] for name in FEATURES}


def unlike(assessment: Assessment, known: Population) -> str | None:
    """Return how an answer is unlike the calibration data, in words; None where it is like it."""
    kind = assessment.kind.value
    if known.kinds.get(kind, 0.0) < _RARE:
        return f"hardly any of them was of the kind '{kind}'"
    strange = outside(measured(assessment), known.ranges)
    if len(strange) < known.features_out:
        return None
    return f"out of their range in {', '.join(strange)}"


def outside(row: Mapping[str, float], ranges: Mapping[str, Range]) -> list[str]:
    """Return the features of an answer that are out of their range."""
    return [
        name
        for name, span in ranges.items()
        if name in row and not span.low - 1e-6 <= row[name] <= span.high + 1e-6
    ]
