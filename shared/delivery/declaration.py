"""How a service declares its handlers: with FastStream, driven by the delivery engine.

This is the one place that touches FastStream's inside (building a subscriber's model and
processing one message without its consumer loop); `tests/unit/shared/delivery` notices when an
upgrade moves it.
"""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from typing import Annotated, Any

from faststream import AckPolicy, Context
from faststream.kafka import KafkaBroker, KafkaMessage
from faststream.kafka.message import FAKE_CONSUMER

from shared.cloudevents import Event, UnreadableError
from shared.delivery.outbox import CollectOutputs, Outbox, current_outbox
from shared.delivery.record import Output, Record
from shared.settings import Settings

Cause = Annotated[Event, Context("message.event", cast=False)]
"""Annotation of a handler's parameter: the event being handled."""

Source = Annotated[Record, Context("message.raw_message", cast=False)]
"""Annotation of a handler's parameter: the record being handled, raw, at its position."""


class EventMessage(KafkaMessage):
    """FastStream's message with the CloudEvent that was read from it."""

    event: Event | None = None


def event_broker(settings: Settings, *, raw: bool = False) -> KafkaBroker:
    """Return a FastStream broker on which a service declares its handlers.

    A handler is called with the event's data, read as the type that it annotates. With `raw` the
    record is handed over as it is (annotate `Source`), readable or not: for the audit log.
    """
    return KafkaBroker(
        settings.bootstrap_servers,
        parser=_parse_raw if raw else _parse_event,
        middlewares=[CollectOutputs],
        ack_policy=AckPolicy.MANUAL,
        consumer_only=True,  # it declares; the engine owns every connection to Kafka
        logger=None,
    )


@dataclass(frozen=True)
class Service:
    """One service, ready to run.

    `on_assigned(topic, partition)` runs before the first record of a newly assigned partition:
    the place to rebuild state from Kafka. `lifespan` is entered before anything is consumed and
    left after the last commit.
    """

    name: str
    broker: KafkaBroker
    settings: Settings
    on_assigned: Callable[[str, int], Awaitable[None]] | None = None
    lifespan: Callable[[], AbstractAsyncContextManager[Any]] = nullcontext


class Handlers:
    """The handlers of a service, callable record by record, without any Kafka."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._subscribers: dict[str, Any] = {}
        for subscriber in service.broker.subscribers:
            for topic in subscriber.topic_names_for_subscribe:  # type: ignore[attr-defined] # Kafka's
                self._subscribers[topic] = subscriber

    @property
    def topics(self) -> frozenset[str]:
        """The topics that the service consumes."""
        return frozenset(self._subscribers)

    async def prepare(self) -> None:
        """Build what FastStream builds at start, without connecting to Kafka."""
        await self._service.broker.connect()
        for subscriber in set(self._subscribers.values()):
            subscriber._build_fastdepends_model()  # noqa: SLF001 - see the module's docstring

    async def handle(self, record: Record) -> list[Output]:
        """Call the handler of the record's topic and return what it published.

        Raises `UnreadableError` when the record is not an event that its topic carries, and
        whatever the handler raises.
        """
        outbox = Outbox(record, self._service.name, self._service.settings)
        token = current_outbox.set(outbox)
        try:
            await self._subscribers[record.topic].process_message(record)
        finally:
            current_outbox.reset(token)
        return outbox.outputs


async def _parse_event(record: Record) -> EventMessage:
    outbox = current_outbox.get()
    if outbox is None:
        raise UnreadableError("no_outbox", "drive handlers through `Handlers.handle`")
    event = outbox.cause
    topic = outbox.topic
    if event.type != topic.event_type:
        raise UnreadableError(
            "wrong_type", f"type is {event.type!r}: {topic.name} carries {topic.event_type!r}"
        )
    message = _message(record, event.data, "application/json")
    message.event = event
    return message


async def _parse_raw(record: Record) -> EventMessage:
    return _message(record, b"", "application/octet-stream")


def _message(record: Record, body: bytes, content_type: str) -> EventMessage:
    position = f"{record.topic}-{record.partition}-{record.offset}"
    return EventMessage(
        body=body,
        content_type=content_type,
        raw_message=record,
        message_id=position,
        correlation_id=position,
        consumer=FAKE_CONSUMER,
    )
