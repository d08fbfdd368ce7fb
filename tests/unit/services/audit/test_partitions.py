import asyncio

import pytest

from services.audit.adapters.memory import MemoryStore
from services.audit.entry import Entry
from services.audit.group import GroupLog
from services.audit.log import DamagedError, LockedError, Log
from services.audit.partitions import PartitionLogs


class Opener:
    """Opens logs in memory, once it has raised the errors that it was given."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.opened: list[int] = []

    async def __call__(self, partition: int) -> Log:
        await asyncio.sleep(0)
        if self.errors:
            raise self.errors.pop(0)
        self.opened.append(partition)
        return await GroupLog(lambda: MemoryStore(f"test/{partition}")).open()


async def test_topics_of_one_partition_number_share_a_log() -> None:
    opener = Opener()
    logs = PartitionLogs(opener, lock_seconds=1)

    one, same, other = await asyncio.gather(logs.open(0), logs.open(0), logs.open(1))

    assert one is same
    assert one is not other
    assert sorted(opener.opened) == [0, 1]


async def test_a_former_writer_that_is_leaving_is_waited_for() -> None:
    opener = Opener(LockedError("process 7"), LockedError("process 7"))

    await PartitionLogs(opener, lock_seconds=30).open(0)

    assert opener.opened == [0]


async def test_a_former_writer_that_stays_is_an_error() -> None:
    opener = Opener(*[LockedError("process 7")] * 1000)

    with pytest.raises(LockedError, match="process 7"):
        await PartitionLogs(opener, lock_seconds=0.01).open(0)


async def test_a_log_that_could_not_be_opened_is_tried_again_next_time() -> None:
    logs = PartitionLogs(Opener(DamagedError("mend it")), lock_seconds=1)
    with pytest.raises(DamagedError):
        await logs.open(0)

    await logs.open(0)


async def test_a_log_that_was_opened_for_a_cancelled_caller_is_not_opened_twice(
    entries: list[Entry],
) -> None:
    opener = Opener()
    logs = PartitionLogs(opener, lock_seconds=1)
    opening = asyncio.create_task(logs.open(0))
    await asyncio.sleep(0)
    opening.cancel()

    log = await logs.open(0)
    await log.append(entries[0])
    await logs.close()

    assert opener.opened == [0]


async def test_a_log_is_let_go_with_the_last_topic_of_its_partition() -> None:
    opener = Opener()
    logs = PartitionLogs(opener, lock_seconds=1)
    await logs.hold("requests", 0)
    await logs.hold("results", 0)

    await logs.let_go("requests", 0)
    await logs.hold("requests", 0)
    assert opener.opened == [0]

    await logs.let_go("requests", 0)
    await logs.let_go("results", 0)
    await logs.let_go("results", 1)
    await logs.hold("requests", 0)
    assert opener.opened == [0, 0]
