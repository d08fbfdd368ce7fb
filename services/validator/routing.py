"""Where a checked answer goes: one pure function."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from services.validator.checks import personal_data, refusal, secrets
from shared.calibration import Calibration
from shared.events import AnswerDrafted, Passage, Verdict
from shared.release import Thresholds

_FIRST: Final = 1
_NEAREST: Final = 3  # passages that a refusal names
_FINAL: Final = frozenset({personal_data.NAME, refusal.NAME, secrets.NAME})
"""What no person should have to read, and what no person can make an answer of."""


class Route(Enum):
    """The four ways on."""

    APPROVED = auto()
    REGENERATE = auto()
    REVIEW = auto()
    REFUSAL = auto()


@dataclass(frozen=True, slots=True)
class Confidence:
    """What is known of how well an answer is supported.

    `probability` that it is: None where it was not measured. `quoted`: every sentence stands word
    for word in a passage. `unlike`: how it differs from all that the release was calibrated on.
    """

    probability: float | None
    quoted: bool = False
    unlike: str | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """A way, and why, in words for whoever meets the answer there."""

    route: Route
    reason: str


def decide(
    verdicts: Sequence[Verdict],
    confidence: Confidence,
    thresholds: Thresholds,
    calibration: Calibration | None,
    *,
    attempt: int,
) -> Decision:
    """Decide where an answer goes.

    Nothing is approved unless every check passed. Then a calibrated release approves from its
    certificate's threshold on, what is like the data it was calibrated on; one whose calibration
    was refused approves nothing; one that never was calibrated approves quotes only, since a
    score may route only once it was shown to rank. A failed check earns one more attempt; after
    that a person decides, except on personal data and secrets, which no reviewer should have to
    read, and on a refusal, which is one.
    """
    failures = [verdict for verdict in verdicts if verdict.verdict == "failed"]
    if failures:
        return _after_failure(failures, attempt)
    unchecked = [verdict for verdict in verdicts if verdict.verdict == "could_not_check"]
    if unchecked:
        return Decision(Route.REVIEW, f"could not check: {_listed(unchecked)}")
    if calibration is None:
        return _by_quotes(confidence)
    if calibration.refused is not None or calibration.certificate is None:
        why = calibration.refused or "it has no certificate"
        return Decision(Route.REVIEW, f"this release approves nothing by itself: {why}")
    return _by_probability(confidence, thresholds, calibration.certificate.threshold)


def referred(draft: AnswerDrafted) -> Decision | None:
    """Return where a draft goes that says itself why it has no answer, None for any other."""
    if draft.referral is None:
        return None
    route = Route.REVIEW if draft.referral.to == "review" else Route.REFUSAL
    return Decision(route, draft.referral.reason)


def unanswered(passages: Sequence[Passage]) -> Decision:
    """Refuse where there is no answer: `passages` are what was read, the nearest first.

    Somebody whose documents were not found has other things to do than somebody whose question
    has other words than the documents, so the reason tells the two apart.
    """
    nothing = "nothing was found that answers the question"
    if not passages:
        return Decision(Route.REFUSAL, f"{nothing}: no passage was found that the asker may read")
    found = "1 passage was" if len(passages) == 1 else f"{len(passages)} passages were"
    nearest = dict.fromkeys(f"{each.document_id}, {each.locator}" for each in passages)
    named = "; ".join(list(nearest)[:_NEAREST])
    return Decision(
        Route.REFUSAL,
        f"{nothing}: {found} found, but no sentence of them fits; the nearest: {named}",
    )


def _by_quotes(confidence: Confidence) -> Decision:
    if confidence.quoted:
        return Decision(Route.APPROVED, "all checks passed, and every sentence is a quote")
    return Decision(
        Route.REVIEW,
        "this release has no certificate of calibration, so it approves quotes only, and the "
        "answer has sentences of its own",
    )


def _by_probability(confidence: Confidence, thresholds: Thresholds, threshold: float) -> Decision:
    probability = confidence.probability
    if probability is None:
        return Decision(Route.REVIEW, "the release names no check that measures groundedness")
    if probability < thresholds.refuse:
        return Decision(
            Route.REFUSAL,
            f"supported with probability {probability:.2f}, under the least, "
            f"{thresholds.refuse:.2f}",
        )
    if confidence.unlike is not None:
        return Decision(
            Route.REVIEW, f"unlike the answers it was calibrated on: {confidence.unlike}"
        )
    if probability < threshold:
        return Decision(
            Route.REVIEW,
            f"supported with probability {probability:.2f}, under {threshold:.2f}, where "
            "approval begins",
        )
    return Decision(
        Route.APPROVED, f"all checks passed, supported with probability {probability:.2f}"
    )


def _after_failure(failures: Sequence[Verdict], attempt: int) -> Decision:
    reason = f"failed: {_listed(failures)}"
    if attempt <= _FIRST:
        return Decision(Route.REGENERATE, reason)
    if any(verdict.name in _FINAL for verdict in failures):
        return Decision(Route.REFUSAL, reason)
    return Decision(Route.REVIEW, reason)


def _listed(verdicts: Sequence[Verdict]) -> str:
    return "; ".join(f"{verdict.name} ({verdict.reason})" for verdict in verdicts)
