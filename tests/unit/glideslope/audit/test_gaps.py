"""What is said of offsets without an entry, over a partition that a test makes up."""

from collections.abc import Sequence
from dataclasses import dataclass

from glideslope.audit.gaps import Explanation, explain, gaps_of
from glideslope.audit.sources import Seen
from glideslope.batches import Batch, Kind


@dataclass
class Record:
    offset: int
    timestamp: int = 0
    headers: Sequence[tuple[str, bytes | None]] = (("ce_id", b"an event"), ("ce_type", None))


def committed(first: int, last: int, *, without: Sequence[int] = (), timestamp: int = 0) -> Batch:
    records = [Record(each, timestamp) for each in range(first, last + 1) if each not in without]
    return Batch(first, last, Kind.COMMITTED, records)


class Partition:
    """A partition of batches that gives them two at a time, as a broker gives what fits."""

    def __init__(
        self, *batches: Batch, start: int = 0, end: int = 100, compacted: bool = False
    ) -> None:
        self._batches = batches
        self._bounds = start, end
        self._compacted = compacted
        self.fetched: list[int] = []

    async def bounds(self) -> tuple[int, int]:
        return self._bounds

    async def fetch(self, offset: int) -> Sequence[Batch]:
        self.fetched.append(offset)
        return [each for each in self._batches if each.last >= offset][:2]

    async def is_compacted(self) -> bool:
        return self._compacted


def seen(first: int, last: int, *gaps: tuple[int, int], before: int = 0) -> Seen:
    return Seen(first, last, newest=1_000, latest=last, before=before, gaps=list(gaps))


async def test_gaps_before_between_and_behind_the_entries_are_explained() -> None:
    partition = Partition(
        committed(0, 0),
        Batch(1, 1, Kind.MARKER),
        committed(2, 4),
        Batch(5, 7, Kind.ABORTED),
        Batch(8, 8, Kind.MARKER),
        committed(9, 9),
        Batch(10, 10, Kind.MARKER),
    )
    said = await explain(seen(2, 9, (5, 8)), 11, partition)
    assert (said.missing, said.marker, said.aborted, said.without_entry) == (1, 3, 3, 7)
    assert [(each.offset, each.event_id, each.type) for each in said.named] == [
        (0, "an event", None)
    ]


async def test_what_is_absent_is_explained_in_a_compacted_topic_alone() -> None:
    batches = committed(0, 5, without=[1, 3, 4]), committed(9, 9)
    told = seen(0, 9, (1, 1), (3, 4), (6, 8))
    said = await explain(told, 0, Partition(*batches, compacted=True))
    assert said == Explanation(compacted=6)
    said = await explain(told, 0, Partition(*batches))
    assert said == Explanation(unknown=6, why="nothing is there, and the topic is not compacted")


async def test_a_batch_that_was_deleted_in_part_counts_once() -> None:
    said = await explain(seen(6, 6), 0, Partition(committed(2, 5), committed(6, 6), start=4))
    assert (said.removed, said.missing, said.without_entry) == (4, 2, 6)
    assert [each.offset for each in said.named] == [4, 5]


async def test_a_record_that_is_newer_than_the_entries_after_it_is_of_another_topic() -> None:
    said = await explain(seen(0, 9, (1, 1)), 0, Partition(committed(0, 9, timestamp=2_000)))
    assert (said.unknown, said.missing) == (1, 0)
    assert said.why is not None
    assert "made anew" in said.why


async def test_what_lies_past_the_end_of_the_partition_cannot_be_told() -> None:
    said = await explain(seen(0, 9, (1, 1), (4, 6)), 0, Partition(committed(0, 2), end=3))
    assert (said.missing, said.unknown) == (1, 3)


async def test_offsets_of_a_deleted_topic_of_the_same_name_cannot_be_told() -> None:
    said = await explain(seen(0, 1, before=7), 0, Partition(committed(0, 1)))
    assert said.unknown == 7


async def test_only_what_holds_gaps_is_read() -> None:
    partition = Partition(*(committed(each, each) for each in range(50)))
    said = await explain(seen(0, 49, (7, 7), (40, 40)), 0, partition)
    assert (said.missing, partition.fetched) == (2, [7, 40])


def test_without_an_entry_all_that_was_passed_is_a_gap() -> None:
    assert gaps_of(None, 3) == [(0, 2)]
    assert gaps_of(None, 0) == []
