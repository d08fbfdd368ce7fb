"""Where a checked answer goes: one pure function."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from services.validator.checks import personal_data, secrets
from shared.events import Verdict
from shared.release import Thresholds

_FIRST: Final = 1
_UNSEEN: Final = frozenset({personal_data.NAME, secrets.NAME})
"""Checks whose failure no reviewer should have to read."""


class Route(Enum):
    """The four ways on."""

    APPROVED = auto()
    REGENERATE = auto()
    REVIEW = auto()
    REFUSAL = auto()


@dataclass(frozen=True, slots=True)
class Decision:
    """A way, and why, in words for whoever meets the answer there."""

    route: Route
    reason: str


def decide(
    verdicts: Sequence[Verdict],
    support: float | None,
    thresholds: Thresholds,
    *,
    attempt: int,
    answered: bool,
) -> Decision:
    """Decide where an answer goes. `support` is None where it was not measured.

    Nothing is approved unless every check passed and the support score reaches the release's
    threshold. A failed check earns one more attempt; after that a person decides, except on
    personal data and secrets, which no reviewer should have to read.
    """
    if not answered:
        return Decision(Route.REFUSAL, "nothing was found that answers the question")
    failures = [verdict for verdict in verdicts if verdict.verdict == "failed"]
    if failures:
        return _after_failure(failures, attempt)
    unchecked = [verdict for verdict in verdicts if verdict.verdict == "could_not_check"]
    if unchecked:
        return Decision(Route.REVIEW, f"could not check: {_listed(unchecked)}")
    return _by_support(support, thresholds)


def _by_support(support: float | None, thresholds: Thresholds) -> Decision:
    if support is None:
        return Decision(Route.REVIEW, "the release names no check that measures support")
    if support < thresholds.refuse:
        return Decision(
            Route.REFUSAL, f"support {support:.2f} is under {thresholds.refuse:.2f}, the least"
        )
    if support < thresholds.approve:
        return Decision(
            Route.REVIEW,
            f"support {support:.2f} is under {thresholds.approve:.2f}, where approval begins",
        )
    return Decision(Route.APPROVED, f"all checks passed, support {support:.2f}")


def _after_failure(failures: Sequence[Verdict], attempt: int) -> Decision:
    reason = f"failed: {_listed(failures)}"
    if attempt <= _FIRST:
        return Decision(Route.REGENERATE, reason)
    if any(verdict.name in _UNSEEN for verdict in failures):
        return Decision(Route.REFUSAL, reason)
    return Decision(Route.REVIEW, reason)


def _listed(verdicts: Sequence[Verdict]) -> str:
    return "; ".join(f"{verdict.name} ({verdict.reason})" for verdict in verdicts)
