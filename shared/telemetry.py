"""One trace for each request, over all services; and what the logs say about the record at hand.

Trace context travels as W3C `traceparent` and `tracestate` in the Kafka headers. Tracing is off
unless an exporter is set (`OTEL_EXPORTER_OTLP_ENDPOINT` or `OTEL_TRACES_EXPORTER`); then no span
is made, and a sender's trace context is carried through as any other foreign header is.

Source: W3C Trace Context; OpenTelemetry's semantic conventions for messaging and Kafka.
"""

import logging
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Protocol

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import (
    BatchSpanProcessor,
    ConsoleSpanExporter,
    SimpleSpanProcessor,
    SpanExporter,
)
from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import AttributeValue
from pydantic_core import from_json

from shared import cloudevents, logs, topics
from shared.cloudevents import Event, Headers
from shared.settings import Settings

_PROPAGATOR: Final = TraceContextTextMapPropagator()
_TRACE_HEADERS: Final = frozenset({"traceparent", "tracestate"})


@dataclass(slots=True)
class _Tracing:
    """What `configure` set up in this process; `tracer` is None while tracing is off."""

    provider: TracerProvider | None = None
    tracer: Tracer | None = None


_tracing: Final = _Tracing()


def configure(service: str, settings: Settings, *, exporter: SpanExporter | None = None) -> None:
    """Set up logs, and traces where an exporter is set. Calling it again changes the settings.

    `exporter` takes the place of the one that the settings name, and gets each span at its end.
    """
    logs.configure(service, settings, context=_log_context)
    # it quotes a sender's headers where they are not to its liking
    logging.getLogger("opentelemetry.trace.span").setLevel(logging.ERROR)
    shut_down()
    if exporter is not None:
        processor: SimpleSpanProcessor | BatchSpanProcessor = SimpleSpanProcessor(exporter)
    elif settings.traces_exporter == "console":
        processor = SimpleSpanProcessor(ConsoleSpanExporter(out=sys.stderr, formatter=_one_line))
    elif settings.traces_exporter != "none" and (
        settings.traces_exporter == "otlp" or settings.otlp_endpoint
    ):
        processor = BatchSpanProcessor(_otlp(settings.otlp_endpoint))
    else:
        return
    resource = {"service.name": service, "service.namespace": settings.deployment}
    provider = TracerProvider(resource=Resource.create(resource))
    provider.add_span_processor(processor)
    _tracing.provider = provider
    _tracing.tracer = provider.get_tracer("glideslope")


def shut_down() -> None:
    """Send what is still to be sent, and trace no more. At the end of a process it runs itself."""
    if _tracing.provider is not None:
        _tracing.provider.shutdown()
    _tracing.provider = None
    _tracing.tracer = None


class Handled(Protocol):
    """What is known of a record that is being handled."""

    @property
    def topic(self) -> str:
        """Where it was read."""

    @property
    def partition(self) -> int:
        """In which partition."""

    @property
    def offset(self) -> int:
        """At which offset."""

    @property
    def headers(self) -> Headers:
        """Its headers, as they came."""

    @property
    def value(self) -> bytes | None:
        """Its value, as it came."""


handled: Final[ContextVar[Handled | None]] = ContextVar("handled", default=None)
"""What the logs are about: set by the delivery engine for each call of a handler (its outbox), and
by `handling`, which also makes the span, for what goes on around it."""


def is_traced() -> bool:
    """Whether spans are made."""
    return _tracing.tracer is not None


class handling:  # noqa: N801 - used as a function is; a generator would take twice as long
    """Enter the handling of one record: a `process` span under the sender's, and ids in the logs.

    An error that passes through marks the span with its type alone, since messages may quote the
    data. Gives a span that records nothing while tracing is off.
    """

    __slots__ = ("_span", "_token", "headers", "offset", "partition", "topic", "value")

    def __init__(
        self, topic: str, partition: int, offset: int, headers: Headers, value: bytes | None = None
    ) -> None:
        self.topic = topic
        self.partition = partition
        self.offset = offset
        self.headers = headers
        self.value = value
        self._span: AbstractContextManager[Span] | None = None

    def __enter__(self) -> Span:
        self._token = handled.set(self)
        if _tracing.tracer is None:
            return trace.INVALID_SPAN
        self._span = _process_span(_tracing.tracer, self)
        return self._span.__enter__()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if self._span is not None:
                self._span.__exit__(kind, error, traceback)
        finally:
            handled.reset(self._token)


@contextmanager
def calling(name: str, attributes: Mapping[str, AttributeValue]) -> Iterator[Span]:
    """Enter a call of somebody else's service: a client span under the current one.

    An error that passes through marks the span with its `code` if it has one, else its type.
    """
    if _tracing.tracer is None:
        yield trace.INVALID_SPAN
        return
    with _tracing.tracer.start_as_current_span(
        name,
        kind=SpanKind.CLIENT,
        attributes=attributes,
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        try:
            yield span
        except BaseException as error:
            span.set_attribute("error.type", getattr(error, "code", type(error).__qualname__))
            span.set_status(StatusCode.ERROR)
            raise


def inject(headers: Headers) -> Headers:
    """Return headers that name the current span as parent; everything else stays as it is."""
    if _tracing.tracer is None or not trace.get_current_span().get_span_context().is_valid:
        return headers
    current: dict[str, str] = {}
    _PROPAGATOR.inject(current)
    foreign = [header for header in headers if header[0].lower() not in _TRACE_HEADERS]
    return [*foreign, *((name, text.encode()) for name, text in current.items())]


@contextmanager
def _process_span(tracer: Tracer, record: Handled) -> Iterator[Span]:
    with tracer.start_as_current_span(
        f"process {record.topic}",
        context=_trace_context(record),
        kind=SpanKind.CONSUMER,
        attributes={
            "messaging.system": "kafka",
            "messaging.operation.name": "process",
            "messaging.operation.type": "process",
            "messaging.destination.name": record.topic,
            "messaging.destination.partition.id": str(record.partition),
            "messaging.kafka.offset": record.offset,
        },
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        if record.value is None:
            span.set_attribute("messaging.kafka.message.tombstone", True)  # noqa: FBT003 - a value
        for name, text in _ids(record).items():
            span.set_attribute(f"glideslope.{name}", text)
        try:
            yield span
        except BaseException as error:
            span.set_attribute("error.type", type(error).__qualname__)
            span.set_status(StatusCode.ERROR)
            raise


def _log_context() -> dict[str, str | int]:
    """Return what a log line says about the record being handled; worked out only when logging."""
    record = handled.get()
    span = trace.get_current_span().get_span_context()
    if not span.is_valid and record is not None:
        context = _trace_context(record, fields=("traceparent",))
        span = trace.get_current_span(context).get_span_context()
    fields: dict[str, str | int] = {}
    if span.is_valid:
        fields["trace_id"] = trace.format_trace_id(span.trace_id)
    if record is not None:
        fields |= {
            "topic": record.topic,
            "partition": record.partition,
            "offset": record.offset,
            **_ids(record),
        }
    return fields


def _trace_context(
    record: Handled, fields: Sequence[str] = ("traceparent", "tracestate")
) -> Context:
    """Return the sender's trace context, read from the headers named `fields`."""
    carrier = {name: texts[0] for name in fields if len(texts := _texts(record.headers, name)) == 1}
    return _PROPAGATOR.extract(carrier, context=Context())


def _ids(record: Handled) -> dict[str, str]:
    """Return the ids of event and request, as far as the record can be read."""
    try:
        event = cloudevents.read(record.value, record.headers)
    except cloudevents.UnreadableError:
        return {}
    request_id = _request_id(event)
    return {"event_id": event.id} | ({"request_id": request_id} if request_id else {})


def _request_id(event: Event) -> str | None:
    """Return the id of the request that an event is about, wherever its data holds it."""
    if event.type == topics.REQUESTS.event_type:
        return event.id
    data = from_json(event.data)
    while isinstance(data, dict):
        if isinstance(data.get("request_id"), str):
            return str(data["request_id"])
        data = data.get("request") or data.get("item")
    return None


def _texts(headers: Headers, name: str) -> list[str]:
    """Return what headers named `name` say; if there is none, the CloudEvents extension."""
    for wanted in (name, f"ce_{name}"):
        found = [raw.decode(errors="replace") for n, raw in headers if n.lower() == wanted and raw]
        if found:
            return found
    return []


def _otlp(endpoint: str | None) -> SpanExporter:
    # imported here: it takes a tenth of a second that nobody pays while tracing is off
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415 - see above
        OTLPSpanExporter,
    )

    return OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces" if endpoint else None)


def _one_line(span: ReadableSpan) -> str:
    return f"{span.to_json(indent=None)}\n"
