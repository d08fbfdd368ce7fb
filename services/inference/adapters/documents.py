"""The index follows the compacted topic `documents.accepted`, from its beginning at each start.

Each process reads every partition itself, outside any consumer group. It first looks at the keys
alone, then indexes from the beginning but skips what a later record replaces: an outdated version
of a document, with groups that may see it no longer, never becomes findable.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

import stamina
import structlog
from pydantic import ValidationError

from services.inference.index import Index
from shared import cloudevents, topics
from shared.cloudevents import Event, UnreadableError
from shared.delivery import FatalError, OverloadedError, Record
from shared.events import DocumentAccepted
from shared.replay import Replay
from shared.settings import Settings

GROUP: Final = "inference.documents"
"""Consumer group, after the topic prefix, under which the position is left for others to see."""

_INDEX_WITHIN_SECONDS: Final = 60.0  # a server may restart; one that stays away is a failure

_log = structlog.get_logger(__name__)


class StaleIndexError(FatalError):
    """The index follows the documents no longer; answers from it could be outdated."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(
            f"inference cannot follow documents.accepted ({type(error).__name__}: {error}): "
            "mend that, then start it again; it builds its index anew"
        )


class DocumentFollower:
    """Keeps an index at the newest state of every document. `unreadable` counts records passed."""

    def __init__(self, settings: Settings, index: Index) -> None:
        self._index = index
        self._replay = Replay(
            settings, topics.DOCUMENTS_ACCEPTED, group=f"{settings.topic_prefix}{GROUP}"
        )
        self.unreadable = 0

    @asynccontextmanager
    async def following(self) -> AsyncIterator[None]:
        """Catch up with the topic's end, then follow it while the context lasts.

        When following fails, whatever runs inside the context is cancelled, and the context ends
        with `StaleIndexError`: nobody goes on with an index that stands still.
        """
        async with self._replay:
            await self._catch_up()
            try:
                async with asyncio.TaskGroup() as group:
                    following = group.create_task(self._follow(), name="documents")
                    yield
                    following.cancel()
            except BaseExceptionGroup as errors:
                raise _first(errors) from None

    async def _catch_up(self) -> None:
        newest: dict[tuple[int, bytes], int] = {}
        async for batch in self._replay.to_end():
            newest.update({(r.partition, r.key): r.offset for r in batch if r.key is not None})
        await self._replay.rewind()
        async for batch in self._replay.to_end():
            await self._take(
                [
                    record
                    for record in batch
                    if record.offset >= newest.get((record.partition, record.key or b""), 0)
                ]
            )
        _log.info("index_caught_up", documents=len(newest), unreadable=self.unreadable)

    async def _follow(self) -> None:
        try:
            async for batch in self._replay.onwards():
                await self._take(batch)
        except Exception as error:
            _log.critical("index_stale", kind=type(error).__name__)
            raise StaleIndexError(error) from error

    async def _take(self, batch: Sequence[Record]) -> None:
        documents = [document for record in batch if (document := self._read(record))]
        async for attempt in stamina.retry_context(
            on=OverloadedError, attempts=None, timeout=_INDEX_WITHIN_SECONDS
        ):
            with attempt:
                await asyncio.to_thread(self._apply, documents)
        await self._replay.commit()

    def _apply(self, documents: Sequence[DocumentAccepted]) -> None:
        for document in documents:
            if document.deleted:
                self._index.remove(document.tenant, document.document_id)
            else:
                self._index.replace(document)

    def _read(self, record: Record) -> DocumentAccepted | None:
        try:
            return _document(cloudevents.read(record.value, record.headers))
        except (UnreadableError, ValidationError) as error:
            self.unreadable += 1
            # the error's own text can hold the record's content
            position = f"{record.topic}-{record.partition}-{record.offset}"
            _log.error("document_unreadable", position=position, error=type(error).__name__)
            return None


def _document(event: Event) -> DocumentAccepted:
    if event.type != topics.DOCUMENTS_ACCEPTED.event_type:
        raise UnreadableError("wrong_type", f"{event.type} is not an accepted document")
    return DocumentAccepted.model_validate_json(event.data)


def _first(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    first: BaseException = errors
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    return first
