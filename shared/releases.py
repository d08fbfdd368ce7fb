"""The releases that this process knows, read from the compacted topic `releases`."""

import asyncio
from contextlib import AsyncExitStack
from typing import Self

import structlog
from pydantic import ValidationError

from shared import cloudevents, topics
from shared.cloudevents import UnreadableError
from shared.delivery.record import Record
from shared.events import ReleaseRegistered
from shared.release import BUILT_IN, Release, UnknownReleaseError
from shared.replay import Replay
from shared.settings import Settings

_log = structlog.get_logger(__name__)


class UnreadableReleaseError(ValueError):
    """A record of the topic holds no release. What it holds is not in the message."""

    def __init__(self, record: Record, error: Exception) -> None:
        self.position = f"{record.topic}-{record.partition}-{record.offset}"
        self.kind = type(error).__name__
        super().__init__(f"{self.position} is no release ({self.kind})")


class MisnamedReleaseError(ValueError):
    """A release stands under another name than its content's hash."""

    def __init__(self, record: Record, release: str) -> None:
        self.position = f"{record.topic}-{record.partition}-{record.offset}"
        self.release = release
        super().__init__(f"{self.position} is not the release that it is called: {release}")


def read(record: Record) -> ReleaseRegistered:
    """Return the release of a record. Raises `UnreadableReleaseError`, `MisnamedReleaseError`."""
    try:
        event = cloudevents.read(record.value, record.headers)
        registered = ReleaseRegistered.model_validate_json(event.data)
    except (UnreadableError, ValidationError) as error:
        raise UnreadableReleaseError(record, error) from error
    if registered.manifest.content_hash() != registered.release:
        raise MisnamedReleaseError(record, registered.release)
    return registered


class ReleaseCatalogue:
    """Implements `shared.release.Releases`. Enter it (`async with`) before asking it.

    The built-in release is known without being registered. A record that is not a release under
    its own content hash is logged with its position and never served.
    """

    def __init__(self, settings: Settings) -> None:
        self._known: dict[str, Release] = {BUILT_IN.content_hash(): BUILT_IN}
        self._replay = Replay(settings, topics.RELEASES)
        self._reading = asyncio.Lock()
        self._open = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Read every release there is."""
        async with AsyncExitStack() as opening:
            await opening.enter_async_context(self._replay)
            await self._read_on()
            self._open = opening.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._open.aclose()

    async def get(self, release: str) -> Release:
        """Return the release of this content hash; reads the topic on to its end on a miss.

        Raises `UnknownReleaseError`.
        """
        if release not in self._known:
            async with self._reading:
                if release not in self._known:
                    await self._read_on()
        if release not in self._known:
            raise UnknownReleaseError(release)
        return self._known[release]

    async def known(self) -> tuple[Release, ...]:
        """Return every release there is; reads the topic on to its end."""
        async with self._reading:
            await self._read_on()
        return tuple(self._known.values())

    async def _read_on(self) -> None:
        async for batch in self._replay.to_end():
            for record in batch:
                self._add(record)

    def _add(self, record: Record) -> None:
        try:
            registered = read(record)
        except UnreadableReleaseError as error:
            _log.error("release_unreadable", position=error.position, error=error.kind)
        except MisnamedReleaseError as error:
            _log.error("release_misnamed", position=error.position, release=error.release)
        else:
            self._known[registered.release] = registered.manifest
