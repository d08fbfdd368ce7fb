import pytest
from aiokafka import TopicPartition

from glideslope.declarations import declared
from glideslope.ledger import WORKED_ON_BY
from glideslope.status import CONSUMED, Counts, Group, at_work
from shared import topics
from shared.delivery import Record
from shared.topics import Topic

POSITION = TopicPartition("requests", 0)


def record(topic: Topic, offset: int, service: str | None = None) -> Record:
    said = {
        "source-topic": "requests",
        "source-partition": "0",
        "source-offset": "1",
        "reason-code": "c",
        "reason": "r",
    }
    letter = {} if service is None else {**said, "service": service}
    headers = tuple((f"glideslope-{name}", text.encode()) for name, text in letter.items())
    return Record(topic.name, 0, offset, 0, None, b"{}", headers)


@pytest.mark.parametrize("name", topics.RETRIES)
def test_lag_is_measured_on_the_topics_that_a_service_consumes(name: str) -> None:
    retries = topics.RETRIES[name]  # consumed by the engine, for the service
    assert set(CONSUMED[name]) == {*declared(name).receives, retries}


def test_whoever_takes_requests_on_from_a_topic_consumes_it() -> None:
    for topic, group in WORKED_ON_BY.items():
        assert topic in CONSUMED[group]
    ways = {topic for name, consumed in CONSUMED.items() if name != "audit" for topic in consumed}
    assert ways - WORKED_ON_BY.keys() == {
        topics.DOCUMENTS,
        topics.FEEDBACK,
        topics.DOCUMENTS_ACCEPTED,
        *topics.SHADOWS,  # copies: none of them is a request on its way
        topics.FALLBACK_REVIEW,  # a person's, whatever keeps it for them
        topics.REVIEWS_PROPOSED,
        topics.REVIEWS_CHECKED,
        topics.SUBJECTS_ERASED,
    }


def test_a_record_is_pending_until_the_group_that_works_on_it_has_passed_it() -> None:
    counts = Counts([Group("ingest", 1, {POSITION: 3}), Group("audit", 1, {})])

    pending = [counts.is_pending(topics.REQUESTS, record(topics.REQUESTS, o)) for o in (2, 3)]
    assert pending == [False, True]  # whatever audit, which only logs them, has passed
    assert not counts.is_pending(topics.RESULTS, record(topics.RESULTS, 9))


def test_a_group_lags_by_the_records_that_it_has_not_passed() -> None:
    counts = Counts([Group("ingest", 1, {POSITION: 3}), Group("audit", 1, {})])

    for offset in (1, 3, 5):
        counts.add(topics.REQUESTS, record(topics.REQUESTS, offset))

    assert counts.records[topics.REQUESTS] == 3
    assert counts.lag["ingest"] == {"requests": 2}
    assert counts.lag["audit"] == {"requests": 3}


def test_a_topic_is_read_from_where_the_slowest_of_its_groups_is() -> None:
    counts = Counts([Group("ingest", 1, {POSITION: 9}), Group("audit", 1, {POSITION: 4})])

    assert counts.read_from(topics.REQUESTS, POSITION) == 4


def test_of_the_groups_that_index_the_one_that_is_at_work_is_shown() -> None:
    others, own = Group("audit", 1, {}), Group("inference.documents", 0, {POSITION: 3})
    shared = Group("inference.documents.shared", 2, {POSITION: 7})
    unused = Group("inference.documents.shared", 0, {})

    assert at_work([others, own, shared]) == [others, shared]
    assert at_work([others, own, unused]) == [others, own]


def test_dead_letters_are_counted_by_the_service_that_wrote_them() -> None:
    counts = Counts([Group("audit", 1, {})])

    for service in ("ingest", "ingest", "validator", None):
        counts.add(topics.DEAD_LETTERS, record(topics.DEAD_LETTERS, 0, service))

    assert counts.dead_letters == {"ingest": 2, "validator": 1}
