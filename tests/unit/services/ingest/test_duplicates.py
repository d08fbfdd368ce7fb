import asyncio
import tracemalloc
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from services.ingest.duplicates import BYTES_PER_REQUEST, Duplicates, Sighting
from services.ingest.settings import IngestSettings

START = datetime(2030, 1, 31, 12, tzinfo=UTC)
WINDOW = timedelta(hours=24)
CANCELLED = (asyncio.CancelledError, asyncio.CancelledError(), None)


class Past:
    """A history that is simply there."""

    def __init__(self, *sightings: Sighting) -> None:
        self.sightings = list(sightings)

    async def ended(self, partition: int, window: timedelta) -> AsyncIterator[Sighting]:
        assert (partition, window) == (0, WINDOW)
        for sighting in self.sightings:
            yield sighting


def seen(
    offset: int | None,
    name: str = "q-1",
    key: bytes | None = b"k",
    after: timedelta = timedelta(),
    source: str = "/crm",
) -> Sighting:
    return Sighting(key, source, name, START + after, offset)


def remembering(past: Past | None = None, most: int = 1_000) -> Duplicates:
    return Duplicates(past or Past(), WINDOW, most)


def is_first(duplicates: Duplicates, sighting: Sighting, partition: int = 0) -> bool:
    with duplicates.first(partition, sighting) as first:
        return first


def test_the_second_record_of_a_request_is_a_duplicate_and_so_is_the_third() -> None:
    duplicates = remembering()
    assert [is_first(duplicates, seen(offset)) for offset in (1, 2, 3)] == [True, False, False]


@pytest.mark.parametrize(
    "other",
    [seen(2, "q-2"), seen(2, source="/erp"), seen(2, key=b"l"), seen(2, key=None)],
    ids=["id", "source", "key", "no key"],
)
def test_another_id_source_or_key_is_another_request(other: Sighting) -> None:
    duplicates = remembering()
    is_first(duplicates, seen(1))
    assert is_first(duplicates, other)


def test_records_without_a_key_are_told_apart_within_their_partition() -> None:
    duplicates = remembering()
    assert is_first(duplicates, seen(1, key=None), partition=0)
    assert not is_first(duplicates, seen(2, key=None), partition=0)
    assert is_first(duplicates, seen(2, key=None), partition=1)


def test_a_redelivered_record_is_no_duplicate_of_itself() -> None:
    duplicates = remembering()
    assert is_first(duplicates, seen(1))
    assert is_first(duplicates, seen(1))
    assert not is_first(duplicates, seen(2))


@pytest.mark.parametrize("error", [RuntimeError, GeneratorExit])
def test_a_request_whose_handling_failed_may_come_again_at_any_offset(
    error: type[BaseException],
) -> None:
    duplicates = remembering()
    with pytest.raises(error), duplicates.first(0, seen(1)):
        raise error
    assert is_first(duplicates, seen(1))
    with pytest.raises(error), duplicates.first(0, seen(1)):
        raise error
    assert is_first(duplicates, seen(7))


def test_a_duplicate_whose_handling_failed_does_not_make_its_request_forgotten() -> None:
    duplicates = remembering()
    is_first(duplicates, seen(1))
    with pytest.raises(RuntimeError), duplicates.first(0, seen(2)):
        raise RuntimeError
    assert not is_first(duplicates, seen(3))


def test_after_the_window_a_request_is_new_again_by_the_records_own_time() -> None:
    duplicates = remembering()
    is_first(duplicates, seen(1))
    assert not is_first(duplicates, seen(2, after=WINDOW - timedelta(milliseconds=1)))
    assert is_first(duplicates, seen(3, after=WINDOW))


def test_a_record_with_a_stamp_long_ago_does_not_reopen_a_request() -> None:
    duplicates = remembering()
    is_first(duplicates, seen(1))
    assert is_first(duplicates, seen(2, "old", after=-10 * WINDOW))
    assert not is_first(duplicates, seen(3))


async def test_the_requests_that_ended_before_are_known_after_a_rebuild() -> None:
    duplicates = remembering(Past(seen(None), seen(None, "q-2")))
    await duplicates.rebuild(0)
    assert not is_first(duplicates, seen(5))
    assert not is_first(duplicates, seen(6, "q-2"))
    assert is_first(duplicates, seen(7, "q-3"))


async def test_a_claim_made_while_history_is_read_is_kept() -> None:
    reading, claimed = asyncio.Event(), asyncio.Event()

    class Slow(Past):
        async def ended(self, partition: int, window: timedelta) -> AsyncIterator[Sighting]:
            async for sighting in super().ended(partition, window):
                yield sighting
                reading.set()
                await claimed.wait()

    duplicates = remembering(Slow(seen(None, "q-2")))
    rebuilding = asyncio.create_task(duplicates.rebuild(0))
    await reading.wait()
    assert is_first(duplicates, seen(1))
    claimed.set()
    await rebuilding
    assert not is_first(duplicates, seen(2))
    assert not is_first(duplicates, seen(3, "q-2"))
    assert is_first(duplicates, seen(1))  # the claiming record itself, redelivered


async def test_what_history_knows_counts_for_more_than_a_claim_on_it() -> None:
    duplicates = remembering(Past(seen(None)))
    is_first(duplicates, seen(1))
    await duplicates.rebuild(0)
    assert not is_first(duplicates, seen(1))


async def test_a_failed_claim_is_forgotten_although_its_partition_was_rebuilt_meanwhile() -> None:
    duplicates = remembering()
    claim = duplicates.first(0, seen(1))
    claim.__enter__()
    await duplicates.rebuild(0)
    claim.__exit__(*CANCELLED)
    assert is_first(duplicates, seen(2))


async def test_a_claim_that_fails_after_another_owner_ended_the_request_leaves_it_ended() -> None:
    duplicates = remembering(Past(seen(None)))
    claim = duplicates.first(0, seen(1))
    claim.__enter__()
    duplicates.forget(0)
    await duplicates.rebuild(0)
    claim.__exit__(*CANCELLED)
    assert not is_first(duplicates, seen(2))


async def test_of_a_revoked_partition_nothing_is_known_but_what_ended_there() -> None:
    duplicates = remembering(Past(seen(None, "q-2")))
    is_first(duplicates, seen(1))  # its outputs were never committed
    duplicates.forget(0)
    await duplicates.rebuild(0)
    assert is_first(duplicates, seen(7))
    assert not is_first(duplicates, seen(8, "q-2"))


def test_no_more_is_remembered_than_allowed_and_the_oldest_goes_first() -> None:
    duplicates = remembering(most=10)
    for n in range(11):
        is_first(duplicates, seen(n, f"q-{n}"))
    assert is_first(duplicates, seen(100, "q-0"))
    assert not is_first(duplicates, seen(101, "q-10"))


def test_the_log_says_how_short_the_window_becomes_and_says_it_again_when_all_is_replaced() -> None:
    duplicates = remembering(most=10)
    with capture_logs() as logged:
        for n in range(21):
            is_first(duplicates, seen(n, f"q-{n}", after=timedelta(seconds=n)))
    short = [line for line in logged if "before their time" in line["event"]]
    assert [(line["requests"], line["window_seconds"]) for line in short] == [
        (10, 10.0),
        (10, 10.0),
    ]


def test_by_default_a_partition_s_memory_is_small_enough_for_a_laptop() -> None:
    assert IngestSettings().duplicate_window_requests * BYTES_PER_REQUEST < 50 * 1024 * 1024


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.integers(0, 72)).map(
            lambda pair: seen(None, pair[0], after=timedelta(hours=pair[1]))
        ),
        max_size=30,
    )
)
def test_in_order_of_time_exactly_the_first_of_each_window_is_new(run: list[Sighting]) -> None:
    duplicates = remembering()
    opened: dict[str, datetime] = {}
    for offset, sighting in enumerate(sorted(run, key=lambda each: each.received_at)):
        expected = sighting.id not in opened or sighting.received_at - opened[sighting.id] >= WINDOW
        if expected:
            opened[sighting.id] = sighting.received_at
        now = Sighting(b"k", sighting.source, sighting.id, sighting.received_at, offset)
        assert is_first(duplicates, now) == expected


def test_a_request_takes_no_more_memory_than_stated() -> None:
    duplicates = remembering(most=100_000)
    worst = 0.0
    tracemalloc.start()
    try:
        empty, _ = tracemalloc.get_traced_memory()
        for offset in range(30_000):  # the map doubles its size several times on the way
            is_first(duplicates, seen(10**9 + offset, f"{offset:032}"))
            if offset > 1_000 and offset % 250 == 0:
                full, _ = tracemalloc.get_traced_memory()
                worst = max(worst, (full - empty) / offset)
    finally:
        tracemalloc.stop()
    assert worst <= BYTES_PER_REQUEST
