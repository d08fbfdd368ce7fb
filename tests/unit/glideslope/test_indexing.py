from aiokafka import TopicPartition

from glideslope.indexing import Progress

PARTITION = TopicPartition("documents.accepted", 0)


def test_a_document_is_indexed_once_the_index_has_passed_its_offset() -> None:
    progress = Progress(published={"a"}, accepted={"a": (PARTITION, 5)})

    progress.passed({PARTITION: 5})  # the next to be indexed
    assert progress.unindexed == {"a"}
    progress.passed({PARTITION: 6})

    assert progress.indexed == {"a"}
    assert progress.done


def test_another_partition_s_progress_says_nothing() -> None:
    progress = Progress(published={"a"}, accepted={"a": (PARTITION, 5)})

    progress.passed({TopicPartition("documents.accepted", 1): 100})

    assert not progress.done


def test_all_is_done_when_the_rest_was_rejected() -> None:
    progress = Progress(published={"a", "b"}, rejected={"b": "too long"})
    assert progress.unjudged == {"a"}

    progress.rejected["a"] = "empty"

    assert progress.done


def test_an_accepted_document_that_then_failed_is_not_waited_for() -> None:
    progress = Progress(
        published={"a"}, accepted={"a": (PARTITION, 5)}, rejected={"a": "dead letter"}
    )

    assert progress.done
