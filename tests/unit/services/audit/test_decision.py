from datetime import UTC, datetime, timedelta
from typing import Literal

import pytest

from services.audit.decision import NAME_AT_MOST, approved, refused, reviewed
from services.audit.entry import Entry, Position, RequestKey
from services.audit.log import Store
from shared.cloudevents import UnreadableError
from shared.events import Answer, AnswerChecked, Receipt, Result, ReviewDecided

RECEIPT = Receipt(origin="test/0", index=7, size=9)


def decided(
    item: AnswerChecked,
    decision: Literal["approved", "edited", "rejected"],
    answer: Answer | None,
    reason: str = "",
) -> ReviewDecided:
    return ReviewDecided(
        item=item,
        decision=decision,
        answer=answer,
        reviewer="jo",
        reason=reason,
        decided_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


def test_an_approved_answer_is_answered_with_all_that_stands_behind_it(
    checked: AnswerChecked,
) -> None:
    assert approved(checked).result(RECEIPT) == Result(
        request_id="r-1",
        request_source="/crm",
        outcome="answered",
        answer=checked.answer,
        confidence=checked.confidence,
        checks=checked.checks,
        reason=checked.reason,
        release="abc",
        usage=checked.usage,
        receipt=RECEIPT,
    )


def test_a_refusal_gives_its_reason_and_never_the_answer(checked: AnswerChecked) -> None:
    result = refused(checked).result(RECEIPT)

    assert result.outcome == "refused"
    assert result.answer is None
    assert result.reason == "2 of 3 sentences are supported"


@pytest.mark.parametrize("decision", ["approved", "edited"])
def test_what_a_person_lets_out_is_their_answer(
    checked: AnswerChecked, decision: Literal["approved", "edited"]
) -> None:
    answer = Answer(text="The limit is 6 million.")

    result = reviewed(decided(checked, decision, answer)).result(RECEIPT)

    assert result.outcome == "answered_by_person"
    assert result.answer == answer
    assert result.reason is None


def test_what_the_checks_said_of_a_draft_is_not_said_of_the_text_that_a_person_put_in_its_place(
    checked: AnswerChecked,
) -> None:
    answer = Answer(text="The limit is 6 million.")

    edited = reviewed(decided(checked, "edited", answer)).result(RECEIPT)
    left = reviewed(decided(checked, "approved", checked.answer)).result(RECEIPT)

    assert (edited.confidence.about, edited.checks) == ("draft", ())
    assert (left.confidence, left.checks) == (checked.confidence, checked.checks)


def test_what_a_person_rejects_is_refused_for_their_reason(checked: AnswerChecked) -> None:
    result = reviewed(decided(checked, "rejected", None, "wrong year")).result(RECEIPT)

    assert result.outcome == "refused"
    assert result.answer is None
    assert result.reason == "wrong year"


def test_a_rejection_without_a_reason_still_gives_one(checked: AnswerChecked) -> None:
    result = reviewed(decided(checked, "rejected", None)).result(RECEIPT)

    assert result.reason == "A reviewer rejected the answer and gave no reason."


def test_a_rejected_answer_does_not_leave_even_if_the_event_carries_one(
    checked: AnswerChecked,
) -> None:
    assert reviewed(decided(checked, "rejected", checked.answer)).answer is None


def test_an_approval_without_an_answer_is_refused_as_unreadable(checked: AnswerChecked) -> None:
    with pytest.raises(UnreadableError, match="carries the answer"):
        approved(checked.model_copy(update={"answer": None}))
    with pytest.raises(UnreadableError, match="carries the answer"):
        reviewed(decided(checked, "approved", None))


def test_a_decision_knows_its_request(checked: AnswerChecked) -> None:
    received_at = checked.request.received_at
    request = approved(checked).request
    assert request == RequestKey("/crm", "r-1", received_at.isoformat())
    again = checked.request.model_copy(update={"received_at": received_at + timedelta(days=2)})
    assert approved(checked.model_copy(update={"request": again})).request != request


@pytest.mark.parametrize("member", ["request_id", "request_source"])
def test_a_decision_whose_request_no_entry_can_name_is_unreadable_and_stops_nothing(
    checked: AnswerChecked, member: str
) -> None:
    request = checked.request.model_copy(update={member: "x" * 70_000})
    with pytest.raises(UnreadableError, match="1,024 characters"):
        approved(checked.model_copy(update={"request": request}))


def test_an_entry_can_name_the_longest_request(checked: AnswerChecked, store: Store) -> None:
    longest = "\x01" * NAME_AT_MOST  # six bytes each in JSON
    update = {"request_id": longest, "request_source": longest}
    request = checked.request.model_copy(update=update)
    decides = approved(checked.model_copy(update={"request": request})).request
    headers = tuple((name, longest.encode()) for name in ("ce_id", "ce_type", "ce_tenant"))
    entry = Entry(Position("c", "t" * 249, 0, 0, 0), None, headers, b"", decides)
    assert store.append([entry])[0].decides
