"""A reader of the compacted topic `documents.accepted`, from where it left off to its end, and on.

Each process reads every partition itself, outside any consumer group. It first looks at the keys
alone, then reads from where it began but skips what a later record replaces: an outdated version
of a document, with groups that may see it no longer, never becomes findable.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import structlog
from pydantic import ValidationError

from services.inference.index import Position
from services.inference.store import KeptIndex, Progress
from shared import cloudevents, topics
from shared.cloudevents import Event, UnreadableError
from shared.delivery import Record
from shared.events import DocumentAccepted
from shared.replay import Replay
from shared.settings import Settings

GROUP: Final = "inference.documents"
"""Consumer group, after the topic prefix, under which the position is left for others to see."""
_KEEP_SECONDS: Final = 5.0

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Received:
    """An accepted document, and where its record stands."""

    document: DocumentAccepted
    at: Position


Take = Callable[[Sequence[Received]], Awaitable[None]]
"""Does with documents what is to be done; when it returns, that is done."""


class Decoding:
    """Reads records as accepted documents; `unreadable` counts what it passed over."""

    def __init__(self) -> None:
        self.unreadable = 0

    def read(self, records: Iterable[Record]) -> list[Received]:
        """Return the documents; a record that is none is logged with its position."""
        return [found for record in records if (found := self._read(record))]

    def _read(self, record: Record) -> Received | None:
        try:
            document = _document(cloudevents.read(record.value, record.headers))
        except (UnreadableError, ValidationError) as error:
            self.unreadable += 1
            # the error's own text can hold the record's content
            position = f"{record.topic}-{record.partition}-{record.offset}"
            _log.error("document_unreadable", position=position, error=type(error).__name__)
            return None
        return Received(document, Position(record.partition, record.offset))


class DocumentReader:
    """Hands documents in their newest state to `take`.

    How far it has got is kept with the index, under the reader's `name`, and left in Kafka under
    `group` for others to see. With `after` it stays behind another reader of the same index. Use
    inside `opened`.
    """

    def __init__(  # noqa: PLR0913 - whom it reads for
        self,
        settings: Settings,
        name: str,
        index: KeptIndex,
        take: Take,
        *,
        group: str = GROUP,
        after: "DocumentReader | None" = None,
    ) -> None:
        self._replay = Replay(
            settings, topics.DOCUMENTS_ACCEPTED, group=f"{settings.topic_prefix}{group}"
        )
        self._name = name
        self._index = index
        self._take = take
        self._after = after
        self._progress = Progress({}, is_complete=False)
        self._moved = asyncio.Condition()
        self._kept = time.monotonic()
        self._decoding = Decoding()

    @property
    def is_complete(self) -> bool:
        """Whether it has got to the topic's end, at least once."""
        return self._progress.is_complete

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Connect, and find the place where this reader left off."""
        async with self._replay:
            await asyncio.to_thread(self._index.adopt, self._replay.source)
            kept = self._index.progress(self._name)
            if kept is not None and await self._replay.begin_at(kept.positions):
                self._progress = kept
            elif kept is not None and self._after is None:
                _log.warning("documents_lost", reader=self._name, advice="the index is built anew")
                await asyncio.to_thread(self._index.reset)
                await asyncio.to_thread(self._index.adopt, self._replay.source)
            try:
                yield
            finally:
                if self._progress.positions:
                    self._index.keep_progress(self._name, self._progress)

    async def catch_up(self) -> None:
        """Read to the topic's end."""
        newest: dict[tuple[int, bytes], int] = {}
        async for batch in self._replay.to_end():
            newest.update({(r.partition, r.key): r.offset for r in batch if r.key is not None})
        self._replay.rewind()
        async for batch in self._replay.to_end():
            await self._handle(
                [
                    record
                    for record in batch
                    if record.offset >= newest.get((record.partition, record.key or b""), 0)
                ]
            )
        await self._note(is_complete=True)
        await self._keep()
        _log.info(
            "index_caught_up",
            reader=self._name,
            documents=len(newest),
            unreadable=self._decoding.unreadable,
        )

    async def follow(self) -> None:
        """Read what comes, for ever."""
        async for batch in self._replay.onwards():
            await self._handle(batch)

    async def passed(self, records: Sequence[Record]) -> None:
        """Wait until it has dealt with these records of the topic."""
        wanted = {record.partition: record.offset for record in records}
        async with self._moved:
            await self._moved.wait_for(
                lambda: all(
                    self._progress.positions.get(partition, 0) > offset
                    for partition, offset in wanted.items()
                )
            )

    async def _handle(self, batch: Sequence[Record]) -> None:
        if self._after is not None:
            await self._after.passed(batch)
        await self._take(self._decoding.read(batch))
        await self._replay.commit()
        await self._note(is_complete=self._progress.is_complete)
        if time.monotonic() - self._kept > _KEEP_SECONDS:
            await self._keep()

    async def _note(self, *, is_complete: bool) -> None:
        positions = await self._replay.positions()
        async with self._moved:
            self._progress = Progress(positions, is_complete)
            self._moved.notify_all()

    async def _keep(self) -> None:
        self._kept = time.monotonic()
        await asyncio.to_thread(self._index.keep_progress, self._name, self._progress)


def _document(event: Event) -> DocumentAccepted:
    if event.type != topics.DOCUMENTS_ACCEPTED.event_type:
        raise UnreadableError("wrong_type", f"{event.type} is not an accepted document")
    return DocumentAccepted.model_validate_json(event.data)
