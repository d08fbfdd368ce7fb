import asyncio

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import CommitFailedError

from shared.delivery.errors import CommitError
from shared.delivery.offsets import Offsets

A, B, GONE = (TopicPartition("requests", number) for number in range(3))


class Consumer:
    """Commits to a list, when the test lets it."""

    def __init__(self) -> None:
        self.commits: list[dict[TopicPartition, tuple[int, str]]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.asked = asyncio.Event()
        self.fails: Exception | None = None

    def assignment(self) -> set[TopicPartition]:
        return {A, B}

    async def commit(self, offsets: dict[TopicPartition, tuple[int, str]]) -> None:
        self.asked.set()
        await self.gate.wait()
        if self.fails is not None:
            raise self.fails
        self.commits.append(offsets)


async def test_what_comes_together_is_one_request() -> None:
    consumer = Consumer()
    offsets = Offsets(consumer)
    await asyncio.gather(offsets.commit(A, 3, "x"), offsets.commit(B, 5, ""))
    assert consumer.commits == [{A: (3, "x"), B: (5, "")}]


async def test_what_comes_while_a_request_is_under_way_is_the_next() -> None:
    consumer = Consumer()
    consumer.gate.clear()
    offsets = Offsets(consumer)
    first = asyncio.create_task(offsets.commit(A, 3, ""))
    await consumer.asked.wait()
    second = asyncio.create_task(offsets.commit(B, 5, ""))
    consumer.gate.set()
    await asyncio.gather(first, second)
    assert consumer.commits == [{A: (3, "")}, {B: (5, "")}]


async def test_a_refusal_is_raised_for_each() -> None:
    consumer = Consumer()
    consumer.fails = CommitFailedError()
    offsets = Offsets(consumer)
    outcomes = await asyncio.gather(
        offsets.commit(A, 3, ""), offsets.commit(B, 5, ""), return_exceptions=True
    )
    assert [type(outcome) for outcome in outcomes] == [CommitFailedError] * 2


async def test_nothing_is_sent_for_a_partition_that_is_not_ours_any_more() -> None:
    consumer = Consumer()
    offsets = Offsets(consumer)
    with pytest.raises(CommitFailedError, match="not assigned"):
        await offsets.commit(GONE, 3, "")
    assert consumer.commits == []


async def test_who_is_cancelled_takes_the_request_along_and_the_others_hear_of_it() -> None:
    consumer = Consumer()
    consumer.gate.clear()
    offsets = Offsets(consumer)
    cancelled = asyncio.create_task(offsets.commit(A, 3, ""))
    other = asyncio.create_task(offsets.commit(B, 5, ""))
    await consumer.asked.wait()
    cancelled.cancel()
    with pytest.raises(CommitError, match="broken off"):
        await other
    assert cancelled.cancelled()
    consumer.gate.set()
    await offsets.commit(B, 5, "")
    assert consumer.commits == [{B: (5, "")}], "what was broken off is not sent later"
