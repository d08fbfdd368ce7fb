"""How a service declares its handlers: with FastStream, driven by the delivery engine.

A handler whose parameters are the event's data, `Cause` and `Source` is called directly: one
pydantic parse and the call, a tenth of what FastStream's own call stack takes. One that asks for
more (dependencies, other context) goes through that stack and works all the same.

This is the one place that touches FastStream's inside (building a subscriber's model, the declared
function and its publishers); `tests/unit/shared/delivery` notices when an upgrade moves it.
"""

import inspect
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fast_depends.dependencies import Dependant
from fast_depends.library import CustomField
from faststream import AckPolicy, Context
from faststream.kafka import KafkaBroker, KafkaMessage
from faststream.kafka.message import FAKE_CONSUMER
from pydantic import TypeAdapter

from shared import telemetry, topics
from shared.cloudevents import Event, UnreadableError
from shared.delivery.outbox import CollectOutputs, Destination, Outbox
from shared.delivery.record import Output, Record
from shared.metrics import Metrics
from shared.settings import Settings
from shared.topics import Topic

Cause = Annotated[Event, Context("message.event", cast=False)]
"""Annotation of a handler's parameter: the event being handled."""

Source = Annotated[Record, Context("message.raw_message", cast=False)]
"""Annotation of a handler's parameter: the record being handled, raw, at its position."""

_FASTSTREAM: Final = (CustomField, Dependant)
"""What FastStream resolves itself."""
_PLAIN: Final = inspect.Parameter.POSITIONAL_OR_KEYWORD


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
    the place to rebuild state from Kafka; `on_revoked(topic, partition)` after its last commit, the
    place to let go of what the next owner needs. `lifespan` is entered before anything is consumed
    and left after the last commit. `ready` is asked by `/readyz`: None, or what is in the way, in a
    sentence (an index that is behind, a store that cannot be written); it must answer fast.
    `measured` is told at the start where the service's own metrics go.

    Records of one key are handled one after the other. Without `by_key` all of a partition are
    begun in the order of their offsets and handled side by side: for handlers that keep what
    order there must be themselves.

    Records of the topics named `in_order` are never overtaken by a later one of their key: one
    that fails is retried in place, and the later ones wait. Others go through the retry topic.

    Records of the topics named `aside` have `shadow_in_flight` slots of their own: however many
    there are and however long they take, they take none from the others, and hold up no rebalance.

    Nobody waits for records of the topics named `unhurried`: while others are busy they are fetched
    every quarter of a second.

    `reads` are topics that it reads besides, outside its consumer group; `groups` the beginnings of
    further groups' names, after the topic prefix, under which it leaves offsets. A cluster with
    access control gives the service these and what its handlers declare, and no more
    (`glideslope.access`).
    """

    name: str
    broker: KafkaBroker
    settings: Settings
    on_assigned: Callable[[str, int], Awaitable[None]] | None = None
    on_revoked: Callable[[str, int], Awaitable[None]] | None = None
    in_order: frozenset[str] = frozenset()
    aside: frozenset[str] = frozenset()
    by_key: bool = True
    unhurried: frozenset[str] = frozenset()
    lifespan: Callable[[], AbstractAsyncContextManager[Any]] = nullcontext
    ready: Callable[[], Awaitable[str | None]] | None = None
    measured: Callable[[Metrics], None] | None = None
    reads: frozenset[Topic] = frozenset()
    groups: frozenset[str] = frozenset()


class Handlers:
    """The handlers of a service, callable record by record, without any Kafka."""

    def __init__(self, service: Service) -> None:
        self._broker = service.broker
        source = f"/glideslope/{service.name}"
        self._by_name = {
            service.settings.topic(topic): Destination(topic, source) for topic in topics.ALL
        }
        self._subscribers: dict[str, Any] = {}
        for subscriber in service.broker.subscribers:
            for topic in subscriber.topic_names_for_subscribe:  # type: ignore[attr-defined] # Kafka's
                self._subscribers[topic] = subscriber
        self._calls: dict[str, Call] = {}

    @property
    def topics(self) -> frozenset[str]:
        """The topics that the service consumes."""
        return frozenset(self._subscribers)

    @property
    def destinations(self) -> frozenset[str]:
        """The topics that the service has declared to write."""
        declared: Sequence[Any] = self._broker.publishers
        return frozenset(publisher.topic for publisher in declared)

    async def prepare(self) -> None:
        """Build what FastStream builds at start, without connecting to Kafka."""
        await self._broker.connect()
        for topic, subscriber in self._subscribers.items():
            subscriber._build_fastdepends_model()  # noqa: SLF001 - see the module's docstring
            self._calls[topic] = direct_call(subscriber) or _call(
                subscriber.process_message, (_record,), ()
            )

    async def handle(self, record: Record) -> list[Output]:
        """Call the handler of the record's topic and return what it published.

        Raises `UnreadableError` when the record is not an event that its topic carries, and
        whatever the handler raises.
        """
        call = self._calls[record.topic]
        outbox = Outbox(record, self._by_name)
        token = telemetry.handled.set(outbox)
        try:
            published = await call.function(outbox)
            for topic, key in call.destinations:
                outbox.add(published, topic, key)
        finally:
            telemetry.handled.reset(token)
        return outbox.outputs


@dataclass(frozen=True, slots=True)
class Call:
    """How a handler is called, and the topic and key under which its result goes out."""

    function: Callable[[Outbox], Awaitable[Any]]
    destinations: tuple[tuple[str, bytes | None], ...]


def direct_call(subscriber: Any) -> Call | None:
    """Return how the subscriber's handler is called directly, None if it asks for more."""
    (item,) = subscriber.calls
    wrapper = item.handler
    function = wrapper._declared_call  # noqa: SLF001 - as above
    destinations = tuple((each.topic, each.key) for each in wrapper._publishers)  # noqa: SLF001 - as above
    if item.dependencies or subscriber._outer_config.broker_dependencies:  # noqa: SLF001 - as above
        return None
    takers: list[Callable[[Outbox], Any]] = []
    for parameter in inspect.signature(function, eval_str=True).parameters.values():
        taker = _taker(parameter)
        if taker is None:
            return None
        takers.append(taker)
    return _call(function, takers, destinations)


def _call(
    function: Callable[..., Awaitable[Any]],
    takers: Sequence[Callable[[Outbox], Any]],
    destinations: tuple[tuple[str, bytes | None], ...],
) -> Call:
    """Return how `function` is called with what `takers` take from the outbox."""
    if len(takers) == 1:  # as most are
        (taker,) = takers
        return Call(lambda outbox: function(taker(outbox)), destinations)
    return Call(lambda outbox: function(*[taker(outbox) for taker in takers]), destinations)


def _record(outbox: Outbox) -> Record:
    return outbox.record


def _taker(parameter: inspect.Parameter) -> Callable[[Outbox], Any] | None:
    annotation = parameter.annotation
    if annotation == Source:
        return _record
    if annotation == Cause:
        return Outbox.event
    if parameter.default is not parameter.empty or parameter.kind != _PLAIN:
        return None
    if any(isinstance(extra, _FASTSTREAM) for extra in getattr(annotation, "__metadata__", ())):
        return None
    validate = TypeAdapter(annotation).validator.validate_json  # without a layer of arguments
    return lambda outbox: validate(outbox.event().data)


async def _parse_event(record: Record) -> EventMessage:
    event = _outbox().event()
    message = _message(record, event.data, "application/json")
    message.event = event
    return message


def _outbox() -> Outbox:
    outbox = Outbox.current()
    if outbox is None:
        raise UnreadableError("no_outbox", "drive handlers through `Handlers.handle`")
    return outbox


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
