"""The routing as the compacted topic `routing` has it, followed while the service runs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import structlog
from pydantic import ValidationError

from services.ingest.release import Pinned, pinned
from shared import routing, topics
from shared.cloudevents import UnreadableError
from shared.delivery.record import Record
from shared.events import RoutingChanged
from shared.replay import Replay
from shared.settings import Settings

_log: Final = structlog.get_logger(__name__)


class KafkaRouting:
    """Implements `services.ingest.release.Releases`; `default` answers while none is promoted.

    A record that cannot be read is logged, and what was before it stays.
    """

    def __init__(self, settings: Settings, default: str) -> None:
        self._replay = Replay(settings, topics.ROUTING)
        self._default = default
        self._routing: RoutingChanged | None = None

    def pin(self, conversation: bytes) -> Pinned:
        """Return what a request of the conversation is pinned to."""
        return pinned(self._routing, self._default, conversation)

    @asynccontextmanager
    async def following(self) -> AsyncIterator[None]:
        """Catch up with the topic, then follow it; a `StaleError` ends what runs meanwhile."""
        async with self._replay, self._replay.followed(self._take):
            yield

    async def _take(self, batch: list[Record]) -> None:
        for record in batch:
            try:
                self._routing = routing.read(record)
            except (UnreadableError, ValidationError) as error:
                # the error's own text can hold the record's content
                position = f"{record.topic}-{record.partition}-{record.offset}"
                _log.error("routing_unreadable", position=position, error=type(error).__name__)
            else:
                _log.info(
                    "routing",
                    revision=self._routing.revision,
                    action=self._routing.action,
                    promoted=self._routing.promoted or self._default,
                    canary=self._routing.canary and self._routing.canary.release,
                    shadow=self._routing.shadow and self._routing.shadow.release,
                )
