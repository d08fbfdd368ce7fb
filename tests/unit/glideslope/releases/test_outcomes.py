from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import BaseModel

from glideslope.releases.outcomes import Outcomes
from shared import topics
from shared.cloudevents import Event
from shared.delivery import Record
from shared.events import (
    Answer,
    AnswerChecked,
    Confidence,
    Referral,
    RequestAccepted,
    ShadowChecked,
    Usage,
)
from shared.settings import Settings
from shared.topics import Topic

SETTINGS = Settings(topic_prefix="p.")
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
A, B = "a" * 64, "b" * 64


def accepted(name: str = "1", release: str = A) -> RequestAccepted:
    return RequestAccepted(
        request_id=name,
        request_source="/desk",
        tenant="default",
        question="?",
        received_at=NOON,
        release=release,
    )


def checked(name: str = "1", release: str = A, **more: Any) -> AnswerChecked:
    return AnswerChecked.model_validate(
        {
            "request": accepted(name, release),
            "answer": Answer(text="12"),
            "usage": Usage(model="m", cost_usd=0.02),
            "checks": (),
            "confidence": Confidence(probability=0.8, threshold=0.9),
            "reason": "because",
            **more,
        }
    )


def copied(name: str = "1", release: str = B, **more: Any) -> ShadowChecked:
    return ShadowChecked(**{**dict(checked(name, release)), "route": "approved", **more})


def record(
    topic: Topic, data: BaseModel, *, key: bytes | None = b"talk", seconds: float = 3
) -> Record:
    event = Event("1", topic.event_type, "/t", data.model_dump_json().encode())
    at = int((NOON + timedelta(seconds=seconds)).timestamp() * 1000)
    return Record(SETTINGS.topic(topic), 0, 0, at, key, event.data, tuple(event.headers()))


def dead(topic: Topic, data: BaseModel) -> Record:
    failed = record(topic, data)
    said = {
        "source-topic": failed.topic,
        "source-partition": "0",
        "source-offset": "0",
        "service": "inference",
        "reason-code": "RuntimeError",
        "reason": "boom",
    }
    headers = tuple((f"glideslope-{name}", text.encode()) for name, text in said.items())
    return Record(
        "p.dead.letters", 0, 0, failed.timestamp, b"talk", failed.value, headers + failed.headers
    )


def outcomes(*records: tuple[Topic, Record]) -> Outcomes:
    found = Outcomes(SETTINGS)
    for topic, each in records:
        found.add(topic, each)
    return found


def test_a_request_comes_to_what_its_last_decision_says() -> None:
    (found,) = outcomes((topics.ANSWERS_APPROVED, record(topics.ANSWERS_APPROVED, checked()))).live(
        A
    )
    assert (found.route, found.is_answered, found.support) == ("approved", True, 0.8)
    assert (found.seconds, found.cost, found.conversation) == (3, 0.02, b"talk".hex())
    refused = checked(answer=None)
    (found,) = outcomes((topics.FALLBACK_REFUSAL, record(topics.FALLBACK_REFUSAL, refused))).live(A)
    assert (found.route, found.is_answered, found.support) == ("refusal", False, None)


def test_requests_without_a_key_are_conversations_of_their_own() -> None:
    topic = topics.ANSWERS_APPROVED
    found = outcomes(*((topic, record(topic, checked(n), key=None)) for n in "123")).live()
    assert len({each.conversation for each in found}) == 3


def test_a_dead_letter_is_a_failure_of_its_release_until_it_is_redriven() -> None:
    letter = (topics.DEAD_LETTERS, dead(topics.REQUESTS_ACCEPTED, accepted()))
    decided = (topics.FALLBACK_REVIEW, record(topics.FALLBACK_REVIEW, checked()))
    for records, route in (
        ([letter], "failed"),
        ([letter, decided], "review"),
        ([decided, letter], "review"),
    ):
        (found,) = outcomes(*records).live(A)
        assert found.route == route


def test_a_dead_letter_before_a_release_was_pinned_or_after_it_was_done_is_none_of_its() -> None:
    letters = [dead(topics.ANSWERS_APPROVED, checked()), dead(topics.SHADOWS_DRAFTED, checked())]
    found = outcomes(*((topics.DEAD_LETTERS, each) for each in letters))
    assert (list(found.live()), found.unreadable) == ([], 0)


def test_what_a_release_made_in_shadow_is_paired_with_what_answered() -> None:
    found = outcomes(
        (topics.ANSWERS_APPROVED, record(topics.ANSWERS_APPROVED, checked("1"))),
        (topics.FALLBACK_REVIEW, record(topics.FALLBACK_REVIEW, checked("2"))),
        (topics.SHADOWS_CHECKED, record(topics.SHADOWS_CHECKED, copied("1", route="regenerate"))),
        (topics.SHADOWS_CHECKED, record(topics.SHADOWS_CHECKED, copied("2"))),
        (topics.SHADOWS_CHECKED, record(topics.SHADOWS_CHECKED, copied("3"))),
    )
    ((live, copy),) = found.pairs(A, B)
    assert (live.release, live.route, copy.release, copy.route) == (A, "review", B, "approved")
    assert copy.seconds is None  # it waited for those who are answered
    assert list(found.pairs(B, A)) == [(copy, live)]
    assert [each.release for each in found.live()] == [A, A]


def test_a_copy_that_failed_says_so() -> None:
    referral = Referral(to="review", code="shadow_failed", reason="it failed (TimeoutError)")
    copy = copied(answer=None, referral=referral, route="review")
    found = outcomes((topics.SHADOWS_CHECKED, record(topics.SHADOWS_CHECKED, copy)))
    assert [each.route for each in found.copies(B)] == ["failed"]


def test_what_is_on_its_way_is_counted_by_release() -> None:
    found = outcomes(
        *(
            (topics.REQUESTS_ACCEPTED, record(topics.REQUESTS_ACCEPTED, accepted(name, release)))
            for name, release in (("1", A), ("2", A), ("3", B))
        ),
        (topics.ANSWERS_APPROVED, record(topics.ANSWERS_APPROVED, checked("1"))),
    )
    assert found.undecided() == Counter({A: 1, B: 1})


def test_what_cannot_be_read_is_counted() -> None:
    junk = Record("p.answers.approved", 0, 0, 0, b"k", b"{", ())
    assert outcomes((topics.ANSWERS_APPROVED, junk)).unreadable == 1
