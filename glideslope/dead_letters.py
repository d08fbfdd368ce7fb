"""What could not be read or handled, read back from `dead.letters`.

Errors that a person can do something about:

    DeadLetterError
    ├── UnknownLetterError     nothing is there under this position or id
    └── AmbiguousLetterError   several dead letters have this id
"""

import re
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, NamedTuple, Self

from aiokafka import TopicPartition

from glideslope import cluster
from glideslope.identity import Origin, origin, request_of
from shared import topics
from shared.cloudevents import Headers, UnreadableError
from shared.delivery import Record
from shared.delivery.dead_letters import REDRIVES_HEADER
from shared.settings import Settings
from shared.topics import Topic

_PREFIX: Final = "glideslope-"
_TOLD: Final = frozenset(
    {
        *("source-topic", "source-partition", "source-offset", "source-timestamp"),
        *("service", "attempts", "reason-code", "reason", "error", "stack", "release"),
    }
)
"""What a service says when it makes a dead letter, each in a header after the record's own."""

_POSITION: Final = re.compile(r"(?:(?P<topic>.+)/)?(?P<partition>\d{1,9})/(?P<offset>\d{1,18})")


class DeadLetterError(Exception):
    """A dead letter cannot be found as it was asked for."""


class UnknownLetterError(DeadLetterError):
    """Nothing is there under this position or id."""

    def __init__(self, wanted: str) -> None:
        super().__init__(f"there is no dead letter {wanted}: see `glideslope dlq list --all`")


class AmbiguousLetterError(DeadLetterError):
    """Several dead letters are about events of this id."""

    def __init__(self, wanted: str, positions: Iterable["Position"]) -> None:
        super().__init__(
            f"several dead letters have the id {wanted}: "
            f"give a position, one of {', '.join(map(str, positions))}"
        )


class Position(NamedTuple):
    """Where a dead letter stands on `dead.letters`."""

    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{topics.DEAD_LETTERS.name}/{self.partition}/{self.offset}"

    @classmethod
    def parse(cls, text: str, settings: Settings) -> Self:
        """Read `dead.letters/PARTITION/OFFSET`, with or without the topic. Raises `ValueError`."""
        found = _POSITION.fullmatch(text)
        names = {None, topics.DEAD_LETTERS.name, settings.topic(topics.DEAD_LETTERS)}
        if found is None or found["topic"] not in names:
            raise ValueError(
                f"{text!r} is no position of a dead letter: "
                f"give {topics.DEAD_LETTERS.name}/PARTITION/OFFSET, as `dlq list` shows it"
            )
        return cls(int(found["partition"]), int(found["offset"]))


@dataclass(frozen=True, slots=True)
class Letter:
    """What is known of one dead letter without looking at its content.

    `source` is the topic it came from. `at` is when it became a dead letter, `came_at` when the
    record came to its source topic. `stack` is alike for errors raised at the same place.
    `redrives` counts how often the record had been sent back before it failed again.
    """

    position: Position
    at: datetime
    source: Topic
    came: Origin
    came_at: datetime
    attempts: int
    error: str
    stack: str
    release: str | None
    redrives: int

    @classmethod
    def read(cls, record: Record, sources: Mapping[str, Topic]) -> Self:
        """Read a record of `dead.letters`; `sources` has topics by their names on the cluster.

        Raises `ValueError` when it is not a dead letter of this pipeline.
        """
        own, told = _split(record.headers)
        try:
            came = origin(record)
            return cls(
                position=Position(record.partition, record.offset),
                at=_time(record.timestamp),
                source=sources[came.topic],
                came=came,
                came_at=_time(int(told["source-timestamp"])),
                attempts=int(told["attempts"]),
                error=told["error"],
                stack=told["stack"],
                release=told.get("release"),
                redrives=_redrives(own),
            )
        except (KeyError, OverflowError) as error:
            raise ValueError(f"{record.partition}/{record.offset} is no dead letter") from error


def original_headers(record: Record) -> tuple[tuple[str, bytes | None], ...]:
    """Return the headers that the record of a dead letter had before it became one."""
    return _split(record.headers)[0]


def _split(
    headers: Sequence[tuple[str, bytes | None]],
) -> tuple[tuple[tuple[str, bytes | None], ...], Mapping[str, str]]:
    """Part a record's own headers from what was appended when it became a dead letter."""
    told: dict[str, str] = {}
    own = list(headers)
    while own:
        name, raw = own[-1]
        short = name.removeprefix(_PREFIX)
        if short == name or short not in _TOLD or short in told:
            break
        told[short] = (raw or b"").decode(errors="replace")
        own.pop()
    return tuple(own), told


def _redrives(headers: Headers) -> int:
    """Return what the header counts; 0 for a sender's own of that name, which counts nothing."""
    said = [raw for name, raw in headers if name == REDRIVES_HEADER]
    try:
        return int(said[-1] or b"0") if said else 0
    except ValueError:
        return 0


def _time(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


async def read_all(settings: Settings) -> AsyncIterator[tuple[Record, Letter | None]]:
    """Yield every record of `dead.letters` up to its end, None beside one that is no dead letter.

    Raises `UnreachableError` and `TopicsMissingError`.
    """
    sources = {settings.topic(topic): topic for topic in topics.ALL}
    async with cluster.reader(settings, topics.DEAD_LETTERS) as reader:
        async for _, record in reader.to_end():
            yield record, _letter(record, sources)


async def read_some(
    settings: Settings, partition: int, offsets: Sequence[int]
) -> AsyncIterator[tuple[Record, Letter]]:
    """Yield the dead letters at some offsets of a partition, in order, and pass over the rest.

    Raises `UnreachableError` and `TopicsMissingError`.
    """
    wanted = frozenset(offsets)
    sources = {settings.topic(topic): topic for topic in topics.ALL}
    place = TopicPartition(settings.topic(topics.DEAD_LETTERS), partition)
    async with cluster.reader(settings, topics.DEAD_LETTERS) as reader:
        if place not in reader.ends or not wanted or min(wanted) >= reader.ends[place]:
            return
        first = max(min(wanted), reader.beginnings[place])
        reader.start_at({**reader.ends, place: first})
        async for _, record in reader.to_end():
            if record.offset in wanted and (letter := _letter(record, sources)) is not None:
                yield record, letter
            if record.offset >= max(wanted):
                return


async def find(wanted: str, settings: Settings) -> tuple[Record, Letter]:
    """Return one dead letter by its position, or by the id of its event or request.

    Raises `UnknownLetterError`, `AmbiguousLetterError` and `ClusterError`.
    """
    try:
        position = Position.parse(wanted, settings)
    except ValueError:
        found = [
            (record, letter)
            async for record, letter in read_all(settings)
            if letter is not None and wanted in ids(record, letter)
        ]
        if len(found) > 1:
            raise AmbiguousLetterError(wanted, [each.position for _, each in found]) from None
    else:
        found = [each async for each in read_some(settings, position.partition, [position.offset])]
    if not found:
        raise UnknownLetterError(wanted)
    return found[0]


def ids(record: Record, letter: Letter) -> list[str]:
    """Return the ids that a dead letter is known by: its event's, and its request's."""
    said = [raw.decode(errors="replace") for name, raw in record.headers if name == "ce_id" and raw]
    try:
        name = request_of(letter.source, record)
    except UnreadableError:
        name = None
    return list(dict.fromkeys([*said, *([str(name.id)] if name is not None else [])]))


def _letter(record: Record, sources: Mapping[str, Topic]) -> Letter | None:
    try:
        return Letter.read(record, sources)
    except ValueError:
        return None
