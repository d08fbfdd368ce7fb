from typing import Any

import pytest

from glideslope.topics import TopicMismatchError, configuration, replication_factor, verify
from shared import topics
from shared.settings import Settings
from shared.topics import Topic

SETTINGS = Settings(topic_prefix="p.", partitions=3)


def described(partitions: int = 3, replicas: int = 1) -> dict[str, Any]:
    return {"partitions": [{"replicas": list(range(replicas))} for _ in range(partitions)]}


@pytest.mark.parametrize("topic", topics.ALL, ids=lambda topic: topic.name)
def test_a_topic_as_it_should_be_has_no_differences(topic: Topic) -> None:
    state = verify(topic, described(), configuration(topic, 1), SETTINGS, 1)

    assert (state.name, state.partitions, state.differences) == (f"p.{topic.name}", 3, {})


def test_retention_is_in_milliseconds_and_for_ever_is_minus_one() -> None:
    assert configuration(topics.REQUESTS, 1)["retention.ms"] == str(30 * 24 * 3600 * 1000)
    assert configuration(topics.DEAD_LETTERS, 1)["retention.ms"] == "-1"


def test_a_deleted_document_leaves_its_topic_within_a_day() -> None:
    configured = configuration(topics.DOCUMENTS_ACCEPTED, 1)
    assert configured["max.compaction.lag.ms"] == str(24 * 3600 * 1000)


def test_a_sender_s_clock_does_not_decide_how_long_its_records_live() -> None:
    assert configuration(topics.REQUESTS, 1)["message.timestamp.type"] == "LogAppendTime"


@pytest.mark.parametrize(("brokers", "replicas"), [(1, 1), (2, 2), (3, 3), (9, 3)])
def test_there_are_three_copies_where_there_are_brokers_for_them(
    brokers: int, replicas: int
) -> None:
    assert replication_factor(SETTINGS, brokers=brokers) == replicas


def test_who_asks_for_another_number_of_copies_gets_it() -> None:
    two = SETTINGS.model_copy(update={"replication_factor": 2})
    assert replication_factor(two, brokers=9) == 2


@pytest.mark.parametrize(("replicas", "in_sync"), [(1, "1"), (2, "1"), (3, "2"), (5, "2")])
def test_with_three_copies_a_write_needs_two(replicas: int, in_sync: str) -> None:
    assert configuration(topics.RESULTS, replicas)["min.insync.replicas"] == in_sync


def test_another_number_of_partitions_is_an_error_that_says_what_to_do() -> None:
    configured = configuration(topics.RESULTS, 1)

    with pytest.raises(TopicMismatchError, match=r"p\.results has 5 .*GLIDESLOPE_PARTITIONS=5"):
        verify(topics.RESULTS, described(partitions=5), configured, SETTINGS, 1)


def test_a_compacted_topic_that_should_keep_everything_is_an_error() -> None:
    configured = configuration(topics.RESULTS, 1) | {"cleanup.policy": "compact"}

    with pytest.raises(TopicMismatchError, match=r"--add-config cleanup\.policy=delete"):
        verify(topics.RESULTS, described(), configured, SETTINGS, 1)


def test_what_an_operator_chose_is_told_and_not_an_error() -> None:
    configured = configuration(topics.RESULTS, 1) | {"retention.ms": "1000"}

    state = verify(topics.RESULTS, described(replicas=3), configured, SETTINGS, 1)

    assert state.differences == {
        "retention.ms": ("1000", str(30 * 24 * 3600 * 1000)),
        "replication.factor": ("3", "1"),
    }
