"""Dead letters go back to where they came from, each exactly once whatever interrupts it.

A batch of them is one transaction: the original records, and an event on `operations` that says
which dead letters they were. A producer's transactional id names the partition of `dead.letters`,
so whoever starts it ends what an interrupted command, or somebody else's, has begun there; only
then is it asked what was redriven before.

Errors that a person can do something about:

    RedriveError
    ├── SelectionError    what is to be redriven is not said as it must be
    ├── OvertakenError    somebody else redrives the same partition at this moment
    └── TooLargeError     a record does not fit its source topic any more
"""

import asyncio
import shlex
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import InvalidProducerEpoch, MessageSizeTooLargeError, ProducerFenced

from glideslope import cluster, operations
from glideslope.dead_letters import (
    Letter,
    Position,
    original_headers,
    read_all,
    read_some,
)
from shared import topics
from shared.delivery import Output, Record
from shared.delivery.dead_letters import REDRIVES_HEADER
from shared.events import Operation
from shared.settings import Settings

_BATCH_RECORDS: Final = 100
_BATCH_BYTES: Final = 8 * 1024 * 1024
_FIELDS: Final[Mapping[str, Callable[[Letter], str]]] = {
    "service": lambda letter: letter.came.service,
    "reason-code": lambda letter: letter.came.code,
    "source-topic": lambda letter: letter.source.name,
    "release": lambda letter: letter.release or "",
    "error": lambda letter: letter.error,
    "stack": lambda letter: letter.stack,
}
"""What `--where` can ask for."""


class RedriveError(Exception):
    """Dead letters cannot be redriven as it was asked for."""


class SelectionError(RedriveError):
    """The selection is not `name=value …`, or names nothing that a dead letter has."""

    def __init__(self, term: str) -> None:
        super().__init__(
            f"{term!r} selects nothing: give name=value, and names of {', '.join(_FIELDS)}"
        )


class OvertakenError(RedriveError):
    """Somebody else began to redrive the same partition."""

    def __init__(self, partition: int, sent: int) -> None:
        super().__init__(
            f"somebody else redrives partition {partition} right now; {sent} dead letters were "
            "redriven here before. None was sent twice: repeat the command for what is left"
        )


class TooLargeError(RedriveError):
    """A record came compressed, and is too large for its topic now."""

    def __init__(self, batch: Sequence[tuple[Record, Letter]]) -> None:
        record, letter = max(batch, key=lambda each: len(each[0].value or b""))
        super().__init__(
            f"the record of {letter.position}, {len(record.value or b''):,} bytes, does not fit "
            f"{letter.source.name} any more: raise that topic's max.message.bytes, or select "
            "around it with --where or --position"
        )


@dataclass(frozen=True, slots=True)
class Selection:
    """Which dead letters: `where` maps names of `_FIELDS` to values, one of which must match.

    `positions`, if any, are the only ones. Of all that match, the oldest `limit`. Those that
    failed again after a redrive are meant only with `again`.
    """

    where: Mapping[str, frozenset[str]] = field(default_factory=dict)
    positions: frozenset[Position] = frozenset()
    again: bool = False
    limit: int | None = None

    @staticmethod
    def terms(text: str, settings: Settings) -> dict[str, frozenset[str]]:
        """Read `name=value name=value …`; of one name given twice either value will do.

        Raises `SelectionError`.
        """
        found: dict[str, frozenset[str]] = {}
        try:
            words = shlex.split(text)
        except ValueError as error:  # a quotation mark without its other
            raise SelectionError(text) from error
        for word in words:
            name, separator, value = word.partition("=")
            if name not in _FIELDS or not separator:
                raise SelectionError(word)
            if name == "source-topic":
                value = value.removeprefix(settings.topic_prefix)
            found[name] = found.get(name, frozenset()) | {value}
        return found

    def matches(self, letter: Letter) -> bool:
        """Whether a letter is meant, whatever has become of it."""
        return (not self.positions or letter.position in self.positions) and all(
            _FIELDS[name](letter) in values for name, values in self.where.items()
        )

    def __str__(self) -> str:
        said = [
            f"{name}={value}" for name, values in self.where.items() for value in sorted(values)
        ]
        said += [f"--position {position}" for position in sorted(self.positions)]
        said += ["--again"] if self.again else []
        said += [] if self.limit is None else [f"--limit {self.limit}"]
        return " ".join(said)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a selection comes to: `letters` are to be redriven.

    Of those that match too, `redriven` have been, `failed_again` want `--again`, and `beyond` are
    over the limit. `missing` are positions at which no dead letter is.
    """

    letters: tuple[Letter, ...]
    redriven: int
    failed_again: int
    beyond: int
    missing: tuple[Position, ...]

    @property
    def by_topic(self) -> Mapping[str, int]:
        """How many go back to which topic."""
        return Counter(letter.source.name for letter in self.letters)

    @property
    def replacing(self) -> int:
        """How many are documents: these replace whatever has been accepted since they came."""
        documents = {topics.DOCUMENTS, topics.DOCUMENTS_ACCEPTED}
        return sum(letter.source in documents for letter in self.letters)


async def plan(selection: Selection, settings: Settings) -> Plan:
    """Find what a selection comes to. Raises `UnreachableError` and `TopicsMissingError`."""
    redriven = await operations.redriven(settings)
    counted: Counter[str] = Counter()
    found: list[Letter] = []
    seen: set[Position] = set()
    async for _, letter in read_all(settings):
        if letter is None or not selection.matches(letter):
            continue
        seen.add(letter.position)
        if letter.position in redriven:
            counted["redriven"] += 1
        elif letter.redrives and not selection.again:
            counted["failed again"] += 1
        else:
            found.append(letter)
    found.sort(key=lambda letter: (letter.at, letter.position))
    chosen = found if selection.limit is None else found[: selection.limit]
    return Plan(
        letters=tuple(chosen),
        redriven=counted["redriven"],
        failed_again=counted["failed again"],
        beyond=len(found) - len(chosen),
        missing=tuple(sorted(selection.positions - seen)),
    )


async def redrive(
    letters: Sequence[Letter],
    settings: Settings,
    operation: Operation,
    *,
    progress: Callable[[int], None] = lambda _: None,
) -> int:
    """Send dead letters back to their source topics; return how many were sent by this call.

    Of each partition in order, so records of one key keep theirs. Those that somebody else has
    redriven meanwhile are left out. `operation` says who and why; `progress` is told how many are
    sent so far. Raises `RedriveError`, `UnreachableError`, `TopicsMissingError`, `KafkaError`;
    what was committed before stays sent, and is not sent again by the next call.
    """
    wanted: dict[int, list[int]] = {}
    for letter in letters:
        wanted.setdefault(letter.position.partition, []).append(letter.position.offset)
    sent = 0
    for partition, offsets in sorted(wanted.items()):
        writer = f"{settings.topic_prefix}dlq.redrive-{partition}"
        async with cluster.producer(settings, transactional_id=writer, compress=True) as producer:
            done = await operations.redriven(settings, partition)
            left = [offset for offset in offsets if (partition, offset) not in done]
            async for batch in _batches(read_some(settings, partition, left)):
                try:
                    await _send(producer, batch, operation, settings)
                except (ProducerFenced, InvalidProducerEpoch) as error:
                    raise OvertakenError(partition, sent) from error
                except MessageSizeTooLargeError as error:
                    raise TooLargeError(batch) from error
                sent += len(batch)
                progress(sent)
    return sent


def original(record: Record, letter: Letter) -> Output:
    """Return the record that a dead letter was made of, with the count of its redrives."""
    own = [header for header in original_headers(record) if header[0] != REDRIVES_HEADER]
    return Output(
        topic=letter.came.topic,
        key=record.key,
        value=record.value,
        headers=(*own, (REDRIVES_HEADER, str(letter.redrives + 1).encode())),
        partition=letter.came.partition,
    )


async def _send(
    producer: AIOKafkaProducer,
    batch: Sequence[tuple[Record, Letter]],
    operation: Operation,
    settings: Settings,
) -> None:
    """Send a batch, and the word that it was sent, in one transaction."""
    partition = batch[0][1].position.partition
    offsets = operations.ranges(letter.position.offset for _, letter in batch)
    async with producer.transaction():
        sent = [
            await producer.send(
                output.topic,
                key=output.key,
                value=output.value,
                headers=list(output.headers),
                partition=output.partition,
            )
            for output in (original(record, letter) for record, letter in batch)
        ]
        await asyncio.gather(*sent)
        await operations.publish(
            producer, operation.model_copy(update={"offsets": offsets}), partition, settings
        )


async def _batches(
    letters: AsyncIterator[tuple[Record, Letter]],
) -> AsyncIterator[list[tuple[Record, Letter]]]:
    batch: list[tuple[Record, Letter]] = []
    size = 0
    async for record, letter in letters:
        batch.append((record, letter))
        size += len(record.value or b"")
        if len(batch) >= _BATCH_RECORDS or size >= _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
