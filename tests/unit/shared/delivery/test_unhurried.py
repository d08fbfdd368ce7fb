from aiokafka import TopicPartition

from shared.delivery.unhurried import Unhurried

HURRIED = TopicPartition("decisions", 0)
QUIET = TopicPartition("requests", 0)
OTHER = TopicPartition("requests", 1)


class Consumer:
    """As much of a consumer as resting needs; `answers` are the times of the last ones, in ms."""

    def __init__(self) -> None:
        self.assigned = {HURRIED, QUIET, OTHER}
        self.resting: set[TopicPartition] = set()
        self.answers: dict[TopicPartition, int] = {}

    def assignment(self) -> set[TopicPartition]:
        return self.assigned

    def pause(self, *partitions: TopicPartition) -> None:
        self.resting.update(partitions)

    def resume(self, *partitions: TopicPartition) -> None:
        self.resting.difference_update(partitions)

    def last_poll_timestamp(self, partition: TopicPartition) -> int | None:
        assert partition in self.assigned
        return self.answers.get(partition)


class Bench:
    def __init__(self) -> None:
        self.now = 1000.0
        self.consumer = Consumer()
        self.unhurried = Unhurried(self.consumer, {"requests"}, lambda: self.now)
        self.unhurried.wake()

    def fetched(self, counts: dict[TopicPartition, int]) -> None:
        """Have all of the node's partitions answer, with so many records each."""
        awake = self.consumer.assigned - self.consumer.resting
        self.consumer.answers |= dict.fromkeys(awake, int(self.now * 1000))
        self.unhurried.rest(self.consumer.assigned, {p: [None] * n for p, n in counts.items()})


def test_what_has_answered_rests_and_is_asked_again_a_quarter_of_a_second_later() -> None:
    bench = Bench()
    bench.fetched({HURRIED: 1, QUIET: 3})
    assert bench.consumer.resting == {QUIET, OTHER}
    bench.now += 0.2
    bench.unhurried.wake()
    assert bench.consumer.resting == {QUIET, OTHER}
    bench.now += 0.1
    bench.unhurried.wake()
    assert bench.consumer.resting == set()


def test_what_has_a_backlog_does_not_rest() -> None:
    bench = Bench()
    bench.fetched({QUIET: 100, OTHER: 1})
    assert bench.consumer.resting == {OTHER}


def test_what_has_not_answered_since_it_was_woken_does_not_rest() -> None:
    bench = Bench()
    bench.unhurried.rest([HURRIED, QUIET, OTHER], {HURRIED: [None]})
    assert bench.consumer.resting == set()


def test_what_was_not_asked_for_does_not_rest_as_its_records_would_be_lost() -> None:
    bench = Bench()
    bench.consumer.answers = dict.fromkeys(bench.consumer.assigned, int(bench.now * 1000))
    bench.unhurried.rest([HURRIED, OTHER], {HURRIED: [None]})
    assert bench.consumer.resting == {OTHER}


def test_a_partition_that_is_gone_is_left_alone() -> None:
    bench = Bench()
    bench.consumer.assigned = {HURRIED, OTHER}
    bench.fetched({OTHER: 1})
    assert bench.consumer.resting == {OTHER}


def test_a_clock_that_is_set_back_wakes_all() -> None:
    bench = Bench()
    bench.fetched({QUIET: 1})
    bench.now -= 3600
    bench.unhurried.wake()
    assert bench.consumer.resting == set()
