from datetime import UTC, datetime
from typing import Literal

import pytest
from structlog.testing import capture_logs

from services.validator.case import Case
from services.validator.checks import CHECKS
from services.validator.routing import Route
from services.validator.validation import validate
from shared.events import (
    Answer,
    AnswerDrafted,
    Citation,
    Passage,
    Referral,
    RequestAccepted,
    Usage,
    Verdict,
)
from shared.release import BUILT_IN

PASSAGE = Passage(
    id="1", document_id="report", locator="p. 1", text="Net sales rose to $3.2 billion in 2023."
)
DRAFT = AnswerDrafted(
    request=RequestAccepted(
        request_id="q-1",
        request_source="/desk",
        tenant="blue",
        question="What were net sales?",
        received_at=datetime.now(UTC),
        release=BUILT_IN.content_hash(),
    ),
    answer=Answer(
        text=PASSAGE.text,
        citations=(Citation(document_id="report", locator="p. 1", quote=PASSAGE.text),),
    ),
    passages=(PASSAGE,),
    usage=Usage(model="extractive"),
)


def test_a_checked_answer_keeps_the_draft_and_has_one_verdict_for_each_check() -> None:
    checked, route = validate(DRAFT, BUILT_IN)
    assert route is Route.APPROVED
    assert checked.model_dump(include=set(AnswerDrafted.model_fields)) == DRAFT.model_dump()
    assert [verdict.name for verdict in checked.checks] == list(BUILT_IN.checks)
    assert checked.confidence.probability > 0.8
    assert checked.confidence.threshold == BUILT_IN.thresholds.approve


def test_every_check_of_the_built_in_release_exists() -> None:
    assert set(BUILT_IN.checks) <= set(CHECKS)


def test_a_check_that_breaks_is_could_not_check_and_is_logged_without_content() -> None:
    def broken(case: Case) -> Verdict:
        raise ValueError(case.answer.text)

    with capture_logs() as logs:
        checked, route = validate(DRAFT, BUILT_IN, {**CHECKS, "figures": broken})
    verdict = {v.name: v for v in checked.checks}["figures"]
    assert route is Route.REVIEW
    assert (verdict.verdict, verdict.reason) == ("could_not_check", "the check broke (ValueError)")
    assert [log["check"] for log in logs] == ["figures"]
    assert "3.2 billion" not in str(logs)


def test_a_check_that_this_validator_does_not_have_is_could_not_check() -> None:
    release = BUILT_IN.model_copy(update={"checks": (*BUILT_IN.checks, "astrology")})
    checked, route = validate(DRAFT, release)
    assert checked.checks[-1].verdict == "could_not_check"
    assert "astrology" in checked.reason
    assert route is Route.REVIEW


@pytest.mark.parametrize("checks", [(), ("not_empty", "figures")])
def test_without_any_measure_of_support_nothing_is_approved(checks: tuple[str, ...]) -> None:
    release = BUILT_IN.model_copy(update={"checks": checks})
    checked, route = validate(DRAFT, release)
    assert route is Route.REVIEW
    assert checked.confidence.probability == 0


def test_where_nothing_was_found_nothing_is_checked_and_it_is_refused() -> None:
    checked, route = validate(DRAFT.model_copy(update={"answer": None}), BUILT_IN)
    assert route is Route.REFUSAL
    assert (checked.checks, checked.confidence.probability) == ((), 0)


def test_a_refusal_tells_documents_that_were_not_found_from_words_that_do_not_fit() -> None:
    unanswered = DRAFT.model_copy(update={"answer": None})
    misfit, _ = validate(unanswered, BUILT_IN)
    missing, _ = validate(unanswered.model_copy(update={"passages": ()}), BUILT_IN)

    assert misfit.reason.endswith(
        "1 passage was found, but no sentence of them fits; the nearest: report, p. 1"
    )
    assert missing.reason.endswith("no passage was found that the asker may read")


@pytest.mark.parametrize(("to", "route"), [("review", Route.REVIEW), ("refusal", Route.REFUSAL)])
def test_a_draft_that_says_why_it_has_no_answer_goes_where_it_says(
    to: Literal["review", "refusal"], route: Route
) -> None:
    referral = Referral(to=to, code="over_budget", reason="the budget is used up")
    draft = DRAFT.model_copy(update={"answer": None, "referral": referral})
    checked, went = validate(draft, BUILT_IN)

    assert went is route
    assert checked.reason == "the budget is used up"
    assert checked.referral == referral


def test_a_shadow_check_is_recorded_and_decides_nothing() -> None:
    def strict(case: Case) -> Verdict:
        return Verdict(name="strict", verdict="failed", score=0, reason=f"not {case.question}")

    release = BUILT_IN.model_copy(update={"shadow_checks": ("strict", "unheard of")})
    checked, route = validate(DRAFT, release, {**CHECKS, "strict": strict})
    assert route is Route.APPROVED
    assert [v.verdict for v in checked.shadow_checks] == ["failed", "could_not_check"]
    assert "strict" not in {verdict.name for verdict in checked.checks}
