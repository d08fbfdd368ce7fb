"""What every store owes, on disk or not, alone and behind a group log."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace

import pytest

from services.audit.adapters.memory import MemoryStore
from services.audit.entry import Entry, Position, RequestKey
from services.audit.group import GroupLog
from services.audit.log import Appended, LogError, Store, UnavailableError
from shared.events import Receipt

Group = Callable[[Store], Awaitable[GroupLog]]


@pytest.fixture
async def group() -> AsyncIterator[Group]:
    """Open a group log over a store; in the end it is closed."""
    opened: list[GroupLog] = []

    async def grouped(store: Store) -> GroupLog:
        opened.append(await GroupLog(lambda: store).open())
        return opened[-1]

    yield grouped
    for log in opened:
        await log.close()


def test_entries_are_numbered_in_the_order_in_which_they_come(
    store: Store, entries: list[Entry]
) -> None:
    appended = store.append(entries[:2]) + store.append(entries[2:])

    assert [a.receipt.index for a in appended] == [0, 1, 2, 3, 4]
    assert {a.receipt.origin for a in appended} == {"test/0"}


def test_a_receipt_has_the_size_of_the_log_when_the_entry_was_durable(
    store: Store, entries: list[Entry]
) -> None:
    appended = store.append(entries[:2]) + store.append(entries[2:])

    assert [a.receipt.size for a in appended] == [2, 2, 5, 5, 5]


def test_a_redelivered_entry_gets_its_first_receipt_and_makes_no_second_entry(
    store: Store, entries: list[Entry]
) -> None:
    first = store.append(entries[:3])

    again = store.append([entries[1], entries[3], entries[0]])

    assert again[0] == first[1]
    assert again[2] == first[0]
    assert again[1].receipt == Receipt(origin="test/0", index=3, size=4)


def test_an_entry_that_comes_twice_in_one_batch_is_written_once(
    store: Store, entries: list[Entry]
) -> None:
    one, two, three = store.append([entries[0], entries[0], entries[1]])

    assert one == two
    assert three.receipt == Receipt(origin="test/0", index=1, size=2)


@pytest.mark.parametrize(
    "other",
    [
        Position("c2", "requests", 0, 0, 1_760_000_000_000),
        Position("c", "requests", 0, 0, 1_760_000_000_009),
        Position("c", "documents", 0, 0, 1_760_000_000_000),
    ],
    ids=["another cluster", "a topic created anew", "another topic"],
)
def test_the_same_offset_elsewhere_is_another_entry(
    store: Store, entries: list[Entry], other: Position
) -> None:
    store.append(entries[:1])

    (appended,) = store.append([replace(entries[0], position=other)])

    assert appended.receipt.index == 1


def test_the_first_entry_that_decides_a_request_is_the_one_that_does(
    store: Store, entries: list[Entry]
) -> None:
    deciding = [replace(e, decides=RequestKey("/crm", "r-1")) for e in entries]

    early = store.append([deciding[0], deciding[1]])
    late = store.append([deciding[2]])
    again = store.append([deciding[1], deciding[0]])

    assert [a.decides for a in early] == [True, False]
    assert [a.decides for a in late] == [False]
    assert [a.decides for a in again] == [False, True]


def test_requests_of_one_id_and_different_sources_have_an_end_each(
    store: Store, entries: list[Entry]
) -> None:
    crm = replace(entries[0], decides=RequestKey("/crm", "r-1"))
    erp = replace(entries[1], decides=RequestKey("/erp", "r-1"))

    assert [a.decides for a in store.append([crm, erp])] == [True, True]


def test_an_entry_that_decides_nothing_does_not_decide(store: Store, entries: list[Entry]) -> None:
    assert [a.decides for a in store.append(entries)] == [False] * 5


async def test_of_decisions_at_the_same_time_exactly_one_decides(
    group: Group, store: Store, entries: list[Entry]
) -> None:
    log = await group(store)
    deciding = [
        replace(
            entries[0],
            position=entries[0].position._replace(offset=offset),
            decides=RequestKey("/crm", "r-1"),
        )
        for offset in range(40)
    ]

    appended = await asyncio.gather(*(log.append(entry) for entry in deciding))

    assert [a.receipt.index for a in appended if a.decides] == [0]


class GatedStore:
    """Passes batches on once its gate is open, and remembers how large they were."""

    def __init__(self, store: Store) -> None:
        self.busy = threading.Event()
        self.gate = threading.Event()
        self.batches: list[int] = []
        self._store = store

    def append(self, entries: Sequence[Entry]) -> list[Appended]:
        self.batches.append(len(entries))
        self.busy.set()
        self.gate.wait(10)
        return self._store.append(entries)

    def tend(self) -> None:
        self._store.tend()

    def close(self) -> None:
        self._store.close()


async def test_appends_that_arrive_while_the_disk_is_busy_share_the_next_write(
    group: Group, store: Store, entries: list[Entry]
) -> None:
    gated = GatedStore(store)
    log = await group(gated)
    appends = [asyncio.create_task(log.append(entries[0]))]
    await asyncio.to_thread(gated.busy.wait, 10)
    appends += [asyncio.create_task(log.append(entry)) for entry in entries[1:]]
    await asyncio.sleep(0)

    gated.gate.set()
    appended = await asyncio.gather(*appends)

    assert gated.batches == [1, 4]
    assert [a.receipt.size for a in appended] == [1, 5, 5, 5, 5]


async def test_a_cancelled_append_leaves_the_others_alone(
    group: Group, store: Store, entries: list[Entry]
) -> None:
    gated = GatedStore(store)
    log = await group(gated)
    appends = [asyncio.create_task(log.append(entry)) for entry in entries[:3]]
    await asyncio.to_thread(gated.busy.wait, 10)

    appends[1].cancel()
    gated.gate.set()
    first, _, third = await asyncio.gather(*appends, return_exceptions=True)
    again = await log.append(entries[1])

    assert not isinstance(first, BaseException)
    assert not isinstance(third, BaseException)
    assert [first.receipt.index, again.receipt.index, third.receipt.index] == [0, 1, 2]


async def test_closing_finishes_what_is_being_appended(
    group: Group, store: Store, entries: list[Entry]
) -> None:
    log = await group(store)
    appends = [asyncio.create_task(log.append(entry)) for entry in entries]
    await asyncio.sleep(0)

    await log.close()

    assert [(await append).receipt.index for append in appends] == [0, 1, 2, 3, 4]


async def test_what_decides_a_request_is_written_at_once_with_what_came_before_it(
    entries: list[Entry],
) -> None:
    store = MemoryStore("test/0")
    log = await GroupLog(lambda: store, linger=60).open()
    decision = replace(entries[4], decides=RequestKey("/crm", "r-1"))

    appended = await asyncio.gather(*(log.append(e) for e in (*entries[:4], decision)))
    await log.close()

    assert {a.receipt.size for a in appended} == {5}, "one write"


async def test_what_decides_nothing_is_written_when_it_has_lingered_and_when_the_log_closes(
    entries: list[Entry],
) -> None:
    store = MemoryStore("test/0")
    log = await GroupLog(lambda: store, linger=0.01).open()
    assert (await log.append(entries[0])).receipt.size == 1
    await log.close()

    log = await GroupLog(lambda: store, linger=60).open()
    append = asyncio.create_task(log.append(entries[1]))
    await asyncio.sleep(0)
    await log.close()
    assert (await append).receipt.size == 2


class FailingStore(MemoryStore):
    """Raises an error in each append until it is mended."""

    def __init__(self, error: Exception) -> None:
        super().__init__("test/0")
        self.error: Exception | None = error
        self.tried = threading.Event()
        self.tended = threading.Event()

    def append(self, entries: Sequence[Entry]) -> list[Appended]:
        self.tried.set()
        if self.error is not None:
            raise self.error
        return super().append(entries)

    def tend(self) -> None:
        self.tended.set()


async def test_a_failed_write_fails_every_append_that_waits_for_it(
    group: Group, entries: list[Entry]
) -> None:
    log = await group(FailingStore(ZeroDivisionError("a fault of the program")))

    errors = await asyncio.gather(*(log.append(e) for e in entries), return_exceptions=True)

    assert [type(error) for error in errors] == [LogError] * 5
    assert len({id(error) for error in errors}) == 5
    with pytest.raises(LogError, match="fault of the program"):
        await log.append(entries[0])


async def problem(log: GroupLog) -> str:
    while log.problem is None:  # noqa: ASYNC110 - what is shown to readiness tells nobody else
        await asyncio.sleep(0.01)
    return log.problem


async def test_while_the_storage_is_out_appends_wait_and_then_all_are_logged_in_order(
    group: Group, entries: list[Entry]
) -> None:
    store = FailingStore(UnavailableError("no space left on device"))
    log = await group(store)
    appends = [asyncio.create_task(log.append(entry)) for entry in entries[:3]]
    assert "no space left on device" in await problem(log)
    appends += [asyncio.create_task(log.append(entry)) for entry in entries[3:]]

    store.error = None
    appended = await asyncio.gather(*appends)

    assert [a.receipt.index for a in appended] == [0, 1, 2, 3, 4]
    assert store.entries == entries
    assert log.problem is None


async def test_a_log_whose_storage_is_out_from_the_start_is_opened_when_it_is_back(
    entries: list[Entry],
) -> None:
    outages = [UnavailableError("no bucket"), UnavailableError("no bucket")]

    def open_store() -> Store:
        if outages:
            raise outages.pop()
        return MemoryStore("test/0")

    log = await GroupLog(open_store).open()
    assert "no bucket" in (log.problem or "")
    appended = await log.append(entries[0])
    await log.close()

    assert appended.receipt.index == 0
    assert log.problem is None


async def test_a_log_can_be_let_go_while_its_storage_is_out(
    group: Group, entries: list[Entry]
) -> None:
    log = await group(FailingStore(UnavailableError("no space left on device")))
    append = asyncio.create_task(log.append(entries[0]))
    await problem(log)

    await asyncio.wait_for(log.close(), 10)

    with pytest.raises(UnavailableError):
        await append


async def test_a_log_that_nothing_is_appended_to_is_tended(group: Group) -> None:
    store = FailingStore(ZeroDivisionError())
    await group(store)

    assert await asyncio.to_thread(store.tended.wait, 10)
