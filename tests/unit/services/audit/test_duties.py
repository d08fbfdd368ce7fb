import pytest
from pydantic import ValidationError

from services.audit.duties import DUTIES, Duty, fulfil
from shared import topics
from shared.cloudevents import UnreadableError
from shared.events import AnswerChecked
from shared.topics import Topic

WITH = {duty: [topic for topic in topics.ALL if DUTIES[topic] is duty] for duty in Duty}


def names(topic: Topic) -> str:
    return topic.name


def headers(topic: Topic) -> list[tuple[str, bytes | None]]:
    return [
        ("ce_specversion", b"1.0"),
        ("ce_id", b"1"),
        ("ce_source", b"/validator"),
        ("ce_type", topic.event_type.encode()),
        ("content-type", b"application/json"),
    ]


def test_every_topic_of_the_pipeline_has_a_duty() -> None:
    assert set(DUTIES) == set(topics.ALL)


@pytest.mark.parametrize("topic", WITH[Duty.LOG], ids=names)
@pytest.mark.parametrize("value", [None, b"", b"\xff"])
def test_nothing_is_unreadable_on_a_topic_that_is_only_logged(
    topic: Topic, value: bytes | None
) -> None:
    assert fulfil(topic, value, [("ce_id", None)]) is None


@pytest.mark.parametrize("topic", [*WITH[Duty.CHECK], *WITH[Duty.DECIDE]], ids=names)
def test_what_nobody_else_would_notice_is_unreadable(topic: Topic) -> None:
    for value, given in [(b"\xff", headers(topic)), (b"{}", []), (b"{}", headers(topics.RESULTS))]:
        with pytest.raises(UnreadableError):
            fulfil(topic, value, given)
    with pytest.raises(ValidationError):
        fulfil(topic, b"{}", headers(topic))


@pytest.mark.parametrize("topic", [*WITH[Duty.CHECK], *WITH[Duty.DECIDE]], ids=names)
def test_a_tombstone_belongs_on_a_compacted_topic_alone(topic: Topic) -> None:
    if topic is topics.DOCUMENTS_ACCEPTED:
        assert fulfil(topic, None, []) is None
    else:
        with pytest.raises(UnreadableError):
            fulfil(topic, None, headers(topic))


@pytest.mark.parametrize(
    "topic", [topics.FALLBACK_REVIEW, topics.ANSWERS_APPROVED, topics.FALLBACK_REFUSAL], ids=names
)
def test_only_a_deciding_topic_decides(topic: Topic, checked: AnswerChecked) -> None:
    decision = fulfil(topic, checked.model_dump_json().encode(), headers(topic))

    assert (decision is not None) == (DUTIES[topic] is Duty.DECIDE)
