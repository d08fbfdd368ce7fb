"""Which request an event is about, from its id alone."""

import pytest

from glideslope.audit.lineage import Lineage
from glideslope.identity import RequestName
from shared import topics
from shared.cloudevents import derived_id
from shared.topics import Topic

NAME = RequestName("/desk", "1")
DRAFT = (topics.ANSWERS_DRAFTED, "inference")
REVIEW = (topics.FALLBACK_REVIEW, "validator")
BY_CHECKS = (topics.FALLBACK_REGENERATE, "validator")
BY_PERSON = (topics.FALLBACK_REGENERATE, "review")
FIRST = ((topics.REQUESTS_ACCEPTED, "ingest"), DRAFT)
SENT_BACK = (REVIEW, BY_PERSON, DRAFT)


@pytest.fixture
def lineage() -> Lineage:
    lineage = Lineage()
    lineage.add("/desk", NAME)
    return lineage


def event_id(*way: tuple[Topic, str]) -> str:
    source, id_ = NAME
    for topic, service in way:
        source, id_ = f"/glideslope/{service}", derived_id(source, id_, topic.name)
    return id_


@pytest.mark.parametrize("end", [topics.ANSWERS_APPROVED, topics.FALLBACK_REFUSAL])
@pytest.mark.parametrize("times", [0, 1, 4])
def test_an_answer_that_people_asked_for_anew_is_of_its_request(
    lineage: Lineage, times: int, end: Topic
) -> None:
    way = (*FIRST, *SENT_BACK * times, (end, "validator"), (topics.RESULTS, "audit"))
    assert lineage.find(event_id(*way)) == NAME


def test_so_is_one_that_the_checks_had_made_anew_before(lineage: Lineage) -> None:
    way = (*FIRST, BY_CHECKS, DRAFT, *SENT_BACK * 3, REVIEW, (topics.REVIEWS_DECIDED, "review"))
    assert lineage.find(event_id(*way)) == NAME


def test_what_a_reviewers_decision_teaches_is_of_its_request(lineage: Lineage) -> None:
    assert lineage.find(event_id(*FIRST, REVIEW, (topics.FEEDBACK_ACCEPTED, "review"))) == NAME


def test_another_events_id_is_nobodys(lineage: Lineage) -> None:
    assert lineage.find(derived_id("/desk", "2", "requests.accepted")) is None
    assert lineage.find(event_id(*FIRST, *SENT_BACK * 5, REVIEW)) is None
