import pytest
from pydantic import BaseModel

from glideslope.demo.journey import SOURCE, Journeys
from glideslope.samples.questions import QUESTIONS, SampleQuestion
from shared import topics
from shared.cloudevents import Event
from shared.delivery import Record
from shared.events import (
    Answer,
    Confidence,
    Receipt,
    RequestDuplicated,
    RequestRejected,
    Result,
    Usage,
)
from shared.topics import REQUESTS, RESULTS, Topic

NAMES = {topic.name: topic for topic in topics.ALL}
FIGURE = QUESTIONS[0]
UNREADABLE = next(each for each in QUESTIONS if each.end == "dead letter")
AGAIN = next(each for each in QUESTIONS if each.end == "duplicated")


def record(topic: Topic, data: BaseModel) -> Record:
    event = Event("e", topic.event_type, "/glideslope/audit", data.model_dump_json().encode())
    return Record(topic.name, 0, 0, 0, b"demo", event.data, tuple(event.headers()))


def result(sample: SampleQuestion, text: str) -> Record:
    return record(
        RESULTS,
        Result(
            request_id=sample.id,
            request_source=SOURCE,
            outcome="answered",
            answer=Answer(text=text),
            confidence=Confidence(probability=1, threshold=0.5),
            checks=(),
            release="r",
            usage=Usage(model="extractive"),
            receipt=Receipt(origin="glideslope/0", index=4, size=5),
        ),
    )


def dead_letter_of(topic: Topic, partition: int, offset: int) -> Record:
    headers = {
        "source-topic": topic.name,
        "source-partition": str(partition),
        "source-offset": str(offset),
        "service": "ingest",
        "reason-code": "bad_json",
        "reason": "the data is not JSON",
    }
    return Record(
        topics.DEAD_LETTERS.name,
        0,
        0,
        0,
        None,
        b"\xff",
        tuple((f"glideslope-{name}", text.encode()) for name, text in headers.items()),
    )


def test_a_right_answer_is_no_complaint() -> None:
    journeys = Journeys([(FIGURE, (0, 0))], NAMES)
    journey = journeys.observe(RESULTS, result(FIGURE, "It was EUR 214.6 million."))
    assert journey is journeys.all[0]
    assert journey.complaint is None
    assert journey.is_over


@pytest.mark.parametrize(
    ("answers", "complaint"),
    [
        ([], "has not ended"),
        (["EUR 214.6 million", "EUR 214.6 million"], "ended 2 times"),
        (["EUR 216.4 million"], "should say '214.6 million'"),
    ],
)
def test_what_is_wrong_is_said(answers: list[str], complaint: str) -> None:
    journeys = Journeys([(FIGURE, (0, 0))], NAMES)
    for answer in answers:
        journeys.observe(RESULTS, result(FIGURE, answer))
    assert complaint in (journeys.all[0].complaint or "")


def test_another_end_than_promised_is_said_with_its_reason() -> None:
    journeys = Journeys([(FIGURE, (0, 0))], NAMES)
    rejection = RequestRejected(
        request_id=FIGURE.id, request_source=SOURCE, code="x", message="send a question"
    )
    journeys.observe(topics.REQUESTS_REJECTED, record(topics.REQUESTS_REJECTED, rejection))
    assert journeys.all[0].complaint == "ended as rejected, not as answered: send a question"


def test_an_answer_that_skipped_the_check_it_should_show_is_a_complaint() -> None:
    caught = next(each for each in QUESTIONS if topics.FALLBACK_REGENERATE in each.passes)
    journeys = Journeys([(caught, (0, 0))], NAMES)
    journeys.observe(RESULTS, result(caught, f"It was {caught.says}."))
    assert journeys.all[0].complaint == "was never on fallback.regenerate"


def test_a_duplicate_is_not_its_original() -> None:
    journeys = Journeys([(FIGURE, (0, 0)), (AGAIN, (0, 1))], NAMES)
    second = RequestDuplicated(request_id=AGAIN.id, request_source=SOURCE)
    journey = journeys.observe(
        topics.REQUESTS_DUPLICATED, record(topics.REQUESTS_DUPLICATED, second)
    )
    assert journey is journeys.all[1]
    assert not journeys.all[0].is_over


def test_what_cannot_be_read_is_known_by_its_position() -> None:
    journeys = Journeys([(FIGURE, (2, 7)), (UNREADABLE, (2, 8))], NAMES)
    journey = journeys.observe(topics.DEAD_LETTERS, dead_letter_of(REQUESTS, 2, 8))
    assert journey is journeys.all[1]
    assert journey.complaint is None
    assert journeys.observe(topics.DEAD_LETTERS, dead_letter_of(REQUESTS, 1, 8)) is None


def test_requests_of_others_are_not_ours() -> None:
    journeys = Journeys([(FIGURE, (0, 0))], NAMES)
    foreign = RequestDuplicated(request_id=FIGURE.id, request_source="/somebody/else")
    assert (
        journeys.observe(topics.REQUESTS_DUPLICATED, record(topics.REQUESTS_DUPLICATED, foreign))
        is None
    )


def test_every_kind_of_end_is_among_the_samples() -> None:
    assert {each.end for each in QUESTIONS} == {
        "answered",
        "answered_by_person",
        "refused",
        "rejected",
        "duplicated",
        "dead letter",
    }


@pytest.mark.parametrize("sample", QUESTIONS, ids=lambda sample: sample.shows)
def test_samples_say_where_they_must_end(sample: SampleQuestion) -> None:
    answered = sample.end in {"answered", "answered_by_person"}
    assert (sample.says is not None) == answered
    assert (sample.decision is not None) == (sample.end == "answered_by_person")
    if sample.decision is not None:
        assert str(sample.says) in sample.decision
