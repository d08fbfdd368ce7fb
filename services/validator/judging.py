"""One claimed figure held against the evidence: its status, and the reason for a reviewer."""

from dataclasses import replace
from typing import Final

from services.validator.attribution import (
    Search,
    contradicted,
    date_elsewhere,
    nearest_scale,
    search,
)
from services.validator.claims import Claim, significant
from services.validator.derivations import derive
from services.validator.evidence import Evidence
from services.validator.facts import Fact
from services.validator.figures import read_figures
from services.validator.nearness import nearness
from services.validator.operations import must_be_computed, names_only_what
from services.validator.periods import Periods, order, years_of
from services.validator.status import FigureFinding, Status
from services.validator.units import CURRENCY_CODES, PERCENT

_SMALL: Final = 2
"""A number with fewer digits is everywhere, and says nothing by itself."""
_SHORT: Final = 4
"""'100' and '1,000' are what is multiplied by."""
_FEW: Final = 10
"""Up to this an answer may count what it lists itself, or say 'three' for several."""
_COUNTED: Final = frozenset({None, "times", "ordinal", "year", "quarter", "month"})
_SHOWN: Final = 60
_DERIVED: Final = 0.5
"""Nearness of what is computed: what stands there itself is nearer."""


def judge(claim: Claim, evidence: Evidence) -> FigureFinding:
    """Return what the evidence says of a claim."""
    if claim.dates or not claim.amounts:
        judged = _date(claim, evidence) if claim.dates else _literal(claim, evidence)
        return judged if judged.status.is_right else replace(judged, nearness=0.0)
    found = search(claim, evidence)
    judged = _looked_up(claim, evidence, found)
    if judged.status is Status.DERIVED:
        return replace(judged, nearness=_DERIVED)
    near = nearness(claim, found, evidence)
    if judged.status.is_right:
        near = _DERIVED + (1 - _DERIVED) * near
    return replace(judged, nearness=near)


def _looked_up(claim: Claim, evidence: Evidence, found: Search) -> FigureFinding:
    if found.found:
        return _standing(claim, evidence, found)
    if derived := _derived(claim, evidence):
        return derived
    if _is_span(claim) or (_is_condition(claim) and _is_asked(claim)):
        return finding(claim, Status.ASKED, 0.5, "is the question's")
    return _missing(claim, evidence, found)


def finding(
    claim: Claim, status: Status, confidence: float, reason: str = "", fact: Fact | None = None
) -> FigureFinding:
    """Return a finding about a claim's figure."""
    figure = claim.figure
    return FigureFinding(figure.text, figure.start, figure.end, status, confidence, reason, fact)


def _standing(claim: Claim, evidence: Evidence, found: Search) -> FigureFinding:
    """Judge a figure whose value stands in the passages."""
    best = found.found[0]
    if claim.in_working or _is_count(claim):
        return finding(claim, Status.EXACT, 0.4, fact=best.fact)
    if best.period is False:
        reason = f"stands in a passage for {_said(best.fact.periods)}, not {_said(claim.when)}"
        wrong = finding(
            claim, Status.ELSEWHERE_PERIOD, 0.9 if claim.periods else 0.7, reason, best.fact
        )
        return _derived_instead(claim, evidence, best.fact) or wrong
    if (better := found.better) is not None:
        reason = _in_another(best.fact, better)
        wrong = finding(claim, Status.ELSEWHERE_ROW, 0.8, reason, better)
        return _derived_instead(claim, evidence, better) or wrong
    if must_be_computed(claim, best.fact):
        reason = f"stands in a passage for {_label(best.fact)} itself, not for what is said of it"
        return _derived(claim, evidence) or finding(
            claim, Status.ELSEWHERE_ROW, 0.7, reason, best.fact
        )
    return finding(claim, Status.EXACT, 0.5 + best.score / 2, fact=best.fact)


def _in_another(fact: Fact, better: Fact) -> str:
    """Return what is wrong with a figure of another row or column, as a reason."""
    if fact.is_cell and fact.row == better.row:
        return (
            f"stands in another column of {_label(fact)}; in the one that is meant it is "
            f"'{better.written}'"
        )
    return f"stands in a passage for {_label(fact)}; for {_label(better)} it is '{better.written}'"


def _derived_instead(claim: Claim, evidence: Evidence, named: Fact) -> FigureFinding | None:
    """Return how a figure is computed whose words mean the row `named`, unless only that."""
    if named.is_cell and names_only_what(claim, named):
        return None
    return _derived(claim, evidence)


def _is_count(claim: Claim) -> bool:
    """Say whether a figure is so round that it says nothing: '5', '100', not '100.00'."""
    figure = claim.figure
    if figure.factor != 1 or "." in figure.text or sum(map(str.isdigit, figure.text)) > _SHORT:
        return False
    return all(significant(a) < _SMALL and a.unit in _COUNTED for a in claim.amounts)


def _derived(claim: Claim, evidence: Evidence) -> FigureFinding | None:
    derivation = derive(claim, evidence)
    if derivation is None:
        return None
    return finding(claim, Status.DERIVED, 0.8, f"is computed: {derivation.text}")


def _missing(claim: Claim, evidence: Evidence, found: Search) -> FigureFinding:
    """Judge a figure whose value stands nowhere as it is claimed."""
    if found.other_sign:
        fact = found.other_sign[0].fact
        there = f"'{fact.written}' for {_label(fact)}"
        said = f"has another sign in the passage ({there})"
        return finding(claim, Status.SIGN, 0.8, said, fact)
    if found.other_unit:
        fact = found.other_unit[0].fact
        said = f"is in another unit in the passage ('{fact.written}')"
        return finding(claim, Status.UNIT, 0.9, said, fact)
    if near := nearest_scale(claim, found.query, evidence):
        said = f"is in another scale in the passage ('{near.written}')"
        return finding(claim, Status.SCALE, 0.9, said, near)
    few = all(a.unit in _COUNTED and a.value <= _FEW for a in claim.amounts)
    sure = 0.9 if not few or contradicted(claim, found.query, evidence) else 0.3
    return finding(claim, Status.ABSENT, sure, "stands in no passage and follows from none")


def _date(claim: Claim, evidence: Evidence) -> FigureFinding:
    if not any(text.holds(claim.figure) for text in evidence.texts):
        if _is_asked(claim):
            return finding(claim, Status.ASKED, 0.5, "is the question's")
        return finding(claim, Status.ABSENT, 0.9, "stands in no passage")
    if other := date_elsewhere(claim, evidence):
        reason = f"is another date in the passage ('{other.written}' for {_label(other)})"
        return finding(claim, Status.ELSEWHERE_PERIOD, 0.7, reason, other)
    return finding(claim, Status.EXACT, 0.8)


def _literal(claim: Claim, evidence: Evidence) -> FigureFinding:
    """Judge what is no amount: digits of a name, or what cannot be read."""
    if any(text.holds(claim.figure) for text in evidence.texts):
        return finding(claim, Status.EXACT, 0.7)
    if _is_asked(claim):
        return finding(claim, Status.ASKED, 0.5, "is the question's")
    if claim.figure.name:
        return finding(claim, Status.ABSENT, 0.9, "stands in no passage")
    return finding(claim, Status.UNREADABLE, 0.9, "cannot be read as a number or date")


def _is_asked(claim: Claim) -> bool:
    return read_figures(claim.question).holds(claim.figure)


def _is_condition(claim: Claim) -> bool:
    """Say whether a figure may come from the question: a size or count, never money or a share.

    'Was revenue $5 million?' makes no revenue of $5 million.
    """
    return all(a.unit not in _RESULTS and significant(a) <= _SMALL for a in claim.amounts)


def _is_span(claim: Claim) -> bool:
    """Say whether a figure counts the years that are named: '3 years' from 2017 to 2019."""
    years = years_of(claim.spoken | claim.asked)
    spans = {max(years) - min(years), max(years) - min(years) + 1, len(years)} if years else set()
    return any(a.value in spans and a.unit in {None, "year"} for a in claim.amounts)


_RESULTS: Final = frozenset({PERCENT, *CURRENCY_CODES})


def _label(fact: Fact) -> str:
    return f"'{' '.join(fact.label.split())[:_SHOWN]}'"


def _said(periods: Periods) -> str:
    return " or ".join(str(date) for date in sorted(periods, key=order))
