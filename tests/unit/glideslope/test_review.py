from datetime import UTC, datetime

import pytest

from glideslope.review import (
    AlreadyDecidedError,
    AmbiguousItemError,
    Item,
    NothingToApproveError,
    Queue,
    UnknownItemError,
    decision_event,
    queue,
)
from shared import topics
from shared.cloudevents import Event, derived_id
from shared.delivery import Record
from shared.events import (
    Answer,
    AnswerChecked,
    Citation,
    Confidence,
    RequestAccepted,
    ReviewDecided,
    Usage,
)

ANSWER = Answer(
    text="It was 12 million.",
    citations=(Citation(document_id="report", locator="p. 1", quote="12 million"),),
)


def item(
    name: str = "1", source: str = "/desk", answer: Answer | None = ANSWER, timestamp: int = 1_000
) -> Item:
    checked = AnswerChecked(
        request=RequestAccepted(
            request_id=name,
            request_source=source,
            tenant="default",
            question="How much?",
            received_at=datetime(2030, 1, 1, tzinfo=UTC),
            release="r",
        ),
        answer=answer,
        usage=Usage(model="extractive"),
        checks=(),
        confidence=Confidence(probability=0.5, threshold=0.9),
        reason="half of it is supported",
    )
    event = Event(
        id=f"review of {name}",
        type=topics.FALLBACK_REVIEW.event_type,
        source="/glideslope/validator",
        data=checked.model_dump_json().encode(),
        subject="person-7",
        extensions={"tenant": "default"},
        foreign=(("trace", b"\xff"), ("null", None)),
    )
    record = Record(
        "fallback.review", 3, 0, timestamp, b"k", event.data, headers=tuple(event.headers())
    )
    return Item(checked, record)


def test_what_waits_is_what_nobody_has_decided_the_longest_first() -> None:
    new, old, over = item("new", timestamp=3), item("old", timestamp=1), item("over", timestamp=2)

    waiting = queue([new, over, old], [over.reject("ann", "no")])

    assert [each.name.id for each in waiting.pending.values()] == ["old", "new"]


def test_a_pending_item_is_found_by_its_id() -> None:
    assert queue([item()], []).item("1").name == ("/desk", "1")


def test_an_unknown_id_is_an_error() -> None:
    with pytest.raises(UnknownItemError, match="review list"):
        queue([item()], []).item("2")


def test_a_known_id_of_another_source_is_an_error() -> None:
    with pytest.raises(UnknownItemError):
        queue([item()], []).item("1", source="/other")


def test_an_id_of_two_sources_needs_the_source() -> None:
    waiting = queue([item(), item(source="/other")], [])

    with pytest.raises(AmbiguousItemError, match="--source, one of /desk, /other"):
        waiting.item("1")
    assert waiting.item("1", source="/other").name.source == "/other"


def test_of_two_sources_the_one_that_waits_is_meant() -> None:
    waiting = queue([item(), item(source="/other")], [item().approve("ann")])

    assert waiting.item("1").name.source == "/other"


def decided_by_ann() -> Queue:
    decision = (
        item()
        .approve("ann")
        .model_copy(update={"decided_at": datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)})
    )
    return queue([item()], [decision, item().reject("bob", "late")])


def test_a_decided_item_is_refused_with_who_and_when() -> None:
    with pytest.raises(
        AlreadyDecidedError, match="approved by ann at 2030-01-02 03:04:05 UTC"
    ) as refused:
        decided_by_ann().item("1")

    assert refused.value.decided.reviewer == "ann"


def test_an_approval_lets_the_answer_out_as_it_is() -> None:
    decision = item().approve("ann")

    assert (decision.decision, decision.answer, decision.reviewer) == ("approved", ANSWER, "ann")


def test_there_is_nothing_to_approve_where_nothing_was_found() -> None:
    with pytest.raises(NothingToApproveError, match="review edit"):
        item(answer=None).approve("ann")


def test_an_edited_answer_keeps_the_citations() -> None:
    decision = item().edit("ann", "It was about 12 million.")

    assert decision.answer == Answer(text="It was about 12 million.", citations=ANSWER.citations)
    assert item(answer=None).edit("ann", "None.").answer == Answer(text="None.")


def test_a_rejection_lets_nothing_out_and_says_why() -> None:
    decision = item().reject("ann", "wrong year")

    assert (decision.decision, decision.answer, decision.reason) == ("rejected", None, "wrong year")


def test_the_decision_s_event_is_derived_from_the_item_whoever_decides() -> None:
    waiting = item()

    one = decision_event(waiting, waiting.approve("ann"))
    other = decision_event(waiting, waiting.reject("bob", "no"))

    assert (
        one.id == other.id == derived_id("/glideslope/validator", "review of 1", "reviews.decided")
    )
    assert one.type == "glideslope.review.decided.v1"
    assert (one.subject, one.tenant) == ("person-7", "default")
    assert set(one.foreign) >= {("trace", b"\xff"), ("null", None)}
    assert ReviewDecided.model_validate_json(one.data).item == waiting.checked
