"""How far two reviewers agree, beyond what chance would have them agree."""

from collections import Counter
from collections.abc import Iterable


def cohens_kappa(pairs: Iterable[tuple[str, str]]) -> float | None:
    """Return Cohen's kappa of pairs of judgements; None without any.

    1 is full agreement, 0 what chance gives. Where everybody always says the same there is nothing
    to correct for chance, and it is 1. Source: J. Cohen, A Coefficient of Agreement for Nominal
    Scales, Educational and Psychological Measurement 20 (1960).
    """
    counted = Counter(pairs)
    total = counted.total()
    if not total:
        return None
    observed = sum(n for (one, other), n in counted.items() if one == other) / total
    first: Counter[str] = Counter()
    second: Counter[str] = Counter()
    for (one, other), n in counted.items():
        first[one] += n
        second[other] += n
    expected = sum(first[each] * second[each] for each in first) / total**2
    return 1.0 if expected == 1 else (observed - expected) / (1 - expected)
