"""What a handler publishes is collected here, to be produced in the transaction of its input."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

from faststream import BaseMiddleware
from faststream.kafka import KafkaPublishCommand
from pydantic import BaseModel

from shared import cloudevents, telemetry
from shared.cloudevents import Derivation, Event, Headers, UnreadableError
from shared.delivery.dead_letters import REDRIVES_HEADER
from shared.delivery.errors import OutputTooLargeError
from shared.delivery.record import Output, Record
from shared.topics import Topic

_RECORD_OVERHEAD: Final = 1024
"""What a record takes beside its value and headers: key, lengths, the batch around it."""


class Destination:
    """A topic, and how events for it are derived; `source` is their CloudEvents source."""

    __slots__ = ("derivation", "topic")

    def __init__(self, topic: Topic, source: str) -> None:
        self.topic = topic
        self.derivation = Derivation(topic.event_type, source, topic.name)


class Outbox:
    """The outputs of one handled record, in the order in which they were published.

    Each becomes an event derived from the record's own: same subject, tenant and foreign
    headers, an id that a redelivery recreates. It keeps the record's key and partition number,
    unless the handler gave a key of its own. `by_name` has every destination under its name on the
    cluster.
    """

    __slots__ = ("_by_name", "_read", "outputs", "record")

    @staticmethod
    def current() -> "Outbox | None":
        """Return that of the record being handled, if any."""
        handled = telemetry.handled.get()
        return handled if isinstance(handled, Outbox) else None

    def __init__(self, record: Record, by_name: Mapping[str, Destination]) -> None:
        self.record = record
        self.outputs: list[Output] = []
        self._by_name = by_name
        self._read: Event | None = None

    @property
    def topic(self) -> str:
        """The record's, as are the next four: the logs say what is being handled."""
        return self.record.topic

    @property
    def partition(self) -> int:
        """The record's."""
        return self.record.partition

    @property
    def offset(self) -> int:
        """The record's."""
        return self.record.offset

    @property
    def headers(self) -> Headers:
        """The record's."""
        return self.record.headers

    @property
    def value(self) -> bytes | None:
        """The record's."""
        return self.record.value

    @property
    def cause(self) -> Event:
        """The record as an event. Raises `UnreadableError`."""
        if self._read is None:
            event = cloudevents.read(self.record.value, self.record.headers)
            if event.foreign:  # that of a redrive says where this record came from
                others = (each for each in event.foreign if each[0] != REDRIVES_HEADER)
                event = replace(event, foreign=tuple(others))
            self._read = event
        return self._read

    def event(self) -> Event:
        """Return the record as an event that its topic carries. Raises `UnreadableError`."""
        event, topic = self._read or self.cause, self._by_name[self.record.topic].topic
        if event.type != topic.event_type:
            raise UnreadableError(
                "wrong_type", f"type is {event.type!r}: {topic.name} carries {topic.event_type!r}"
            )
        return event

    def add(
        self,
        data: BaseModel,
        destination: str,
        key: bytes | None = None,
        extensions: Mapping[str, str | None] = MappingProxyType({}),
    ) -> None:
        """Collect one event for the topic named `destination`.

        `extensions` are CloudEvents extension attributes beside those that are handed on; one
        that is None is not handed on.
        """
        record = self.record
        place = self._by_name[destination]
        value = data.__pydantic_serializer__.to_json(data)
        headers: Headers = place.derivation.headers(self._read or self.cause, extensions)
        if telemetry.is_traced():
            headers = telemetry.inject(headers)
        if key is None:
            output = Output(destination, record.key, value, tuple(headers), record.partition)
        else:
            output = Output(destination, key, value, tuple(headers))
        # What it takes beside its value, and cannot be known so fast, is much as its input's.
        if len(value) + record.size > place.topic.max_bytes // 2:
            size = output.size - len(output.key or b"")
            if size + _RECORD_OVERHEAD > place.topic.max_bytes:
                raise OutputTooLargeError(place.topic.name, size, place.topic.max_bytes)
        self.outputs.append(output)


class CollectOutputs(BaseMiddleware[Any, Any]):
    """FastStream middleware that puts what is published into the outbox of the running handler."""

    async def publish_scope(self, call_next: Any, cmd: Any) -> Any:
        """Collect instead of sending; without an outbox (a plain FastStream test), send."""
        outbox = Outbox.current()
        if outbox is None:
            return await call_next(cmd)
        command = KafkaPublishCommand.from_cmd(cmd)
        if not isinstance(command.body, BaseModel):
            message = f"a handler published {type(command.body).__name__}, not an event's data"
            raise TypeError(message)
        extensions = {
            name.removeprefix("ce_"): value
            for name, value in command.headers.items()
            if name.startswith("ce_")
        }
        outbox.add(command.body, command.destination, command.key, extensions)
        return None
