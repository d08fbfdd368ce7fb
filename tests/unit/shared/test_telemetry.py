import json
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode, format_span_id, format_trace_id

from shared import telemetry
from shared.cloudevents import Event, Headers
from shared.settings import Settings

pytestmark = pytest.mark.usefixtures("logs_as_before")

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = f"00-{TRACE_ID}-b7ad6b7169203331-01".encode()
REQUEST = Event(
    id="q-1", type="glideslope.request.submitted.v1", source="/crm", data=b'{"question":"Why?"}'
)
SETTINGS = Settings()


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    telemetry.configure("ingest", SETTINGS, exporter=exporter)
    yield exporter
    telemetry.shut_down()


def test_one_trace_leads_through_every_service_that_handles_a_request(
    spans: InMemorySpanExporter,
) -> None:
    headers: Headers = [*REQUEST.headers(), ("traceparent", TRACEPARENT), ("tracestate", b"a=1")]
    for offset, topic in enumerate(("requests", "requests.accepted", "answers.drafted")):
        with telemetry.handling(topic, 2, offset, headers, REQUEST.data):
            headers = telemetry.inject(headers)
    first, second, third = spans.get_finished_spans()
    contexts = [span.get_span_context() for span in (first, second, third)]
    assert {format_trace_id(c.trace_id) for c in contexts if c} == {TRACE_ID}
    parents = [span.parent for span in (first, second, third)]
    assert [format_span_id(p.span_id) for p in parents if p] == [
        "b7ad6b7169203331",
        *(format_span_id(c.span_id) for c in contexts[:2] if c),
    ]
    assert dict(headers)["tracestate"] == b"a=1"


def test_a_span_says_what_was_handled_in_the_terms_of_the_conventions(
    spans: InMemorySpanExporter,
) -> None:
    with telemetry.handling("requests", 2, 7, REQUEST.headers(), REQUEST.data):
        pass
    (span,) = spans.get_finished_spans()
    assert span.name == "process requests"
    assert span.kind is SpanKind.CONSUMER
    assert dict(span.attributes or {}) == {
        "messaging.system": "kafka",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": "requests",
        "messaging.destination.partition.id": "2",
        "messaging.kafka.offset": 7,
        "glideslope.event_id": "q-1",
        "glideslope.request_id": "q-1",
    }
    assert span.resource.attributes["service.name"] == "ingest"


def test_a_record_without_trace_context_starts_a_trace(spans: InMemorySpanExporter) -> None:
    with telemetry.handling("requests", 0, 0, [("traceparent", b"nonsense")]):
        pass
    (span,) = spans.get_finished_spans()
    assert span.parent is None


def test_trace_context_is_also_read_from_the_cloudevents_extension(
    spans: InMemorySpanExporter,
) -> None:
    with telemetry.handling("requests", 0, 0, [("ce_traceparent", TRACEPARENT)]):
        pass
    (span,) = spans.get_finished_spans()
    assert span.parent is not None
    assert format_trace_id(span.parent.trace_id) == TRACE_ID


def test_two_contradicting_trace_contexts_start_a_trace(spans: InMemorySpanExporter) -> None:
    other = TRACEPARENT.replace(b"0af7", b"0af8")
    with telemetry.handling(
        "requests", 0, 0, [("traceparent", TRACEPARENT), ("traceparent", other)]
    ):
        pass
    (span,) = spans.get_finished_spans()
    assert span.parent is None


def test_a_handling_inside_another_belongs_to_its_own_record(spans: InMemorySpanExporter) -> None:
    with telemetry.handling("requests", 0, 0, []), telemetry.handling("requests", 0, 1, []):
        pass
    assert [span.parent for span in spans.get_finished_spans()] == [None, None]


def test_a_failed_handling_is_marked_without_quoting_the_error(spans: InMemorySpanExporter) -> None:
    with pytest.raises(ValueError, match="secret"), telemetry.handling("requests", 0, 0, []):
        raise ValueError("my secret question")
    (span,) = spans.get_finished_spans()
    assert span.status.status_code is StatusCode.ERROR
    assert (span.attributes or {})["error.type"] == "ValueError"
    assert "secret" not in span.to_json()


def test_injecting_replaces_trace_context_alone(spans: InMemorySpanExporter) -> None:
    foreign: Headers = [
        ("x-null", None),
        ("x-binary", b"\xff"),
        ("x-twice", b"1"),
        ("x-twice", b""),
    ]
    headers = [("TraceParent", TRACEPARENT), *foreign, ("traceparent", b"again")]
    with telemetry.handling("requests", 0, 0, headers):
        injected = telemetry.inject(headers)
    (span,) = spans.get_finished_spans()
    context = span.get_span_context()
    assert context is not None
    trace_id, span_id = format_trace_id(context.trace_id), format_span_id(context.span_id)
    ours = f"00-{trace_id}-{span_id}-{context.trace_flags:02x}"
    assert injected == [*foreign, ("traceparent", ours.encode())]


def test_injecting_outside_of_a_handling_changes_nothing(spans: InMemorySpanExporter) -> None:
    headers: Headers = [("traceparent", TRACEPARENT), ("x", None)]
    assert telemetry.inject(headers) == headers
    assert spans.get_finished_spans() == ()


def test_without_the_setting_nothing_is_traced_and_trace_context_is_carried_through() -> None:
    telemetry.configure("ingest", SETTINGS)
    headers: Headers = [("x", b"1"), ("traceparent", TRACEPARENT)]
    with telemetry.handling("requests", 0, 0, headers) as span:
        assert not span.is_recording()
        assert not trace.get_current_span().get_span_context().is_valid
        assert telemetry.inject(headers) == headers


@pytest.mark.parametrize(
    ("environment", "traced"),
    [
        ({}, False),
        ({"OTEL_TRACES_EXPORTER": "console"}, True),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}, True),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_TRACES_EXPORTER": "none"},
            False,
        ),
    ],
)
def test_the_environment_decides_whether_is_traced(
    environment: dict[str, str], *, traced: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OTEL_TRACES_EXPORTER", "OTEL_EXPORTER_OTLP_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    telemetry.configure("ingest", Settings())
    try:
        assert (telemetry._tracing.tracer is not None) == traced
    finally:
        telemetry.shut_down()


def test_the_console_exporter_writes_a_span_a_line_to_standard_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "console")
    telemetry.configure("ingest", Settings())
    with telemetry.handling("requests", 0, 0, []):
        pass
    telemetry.shut_down()
    out, err = capsys.readouterr()
    assert not out
    assert json.loads(err)["name"] == "process requests"


def logged(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    line: dict[str, object] = json.loads(capsys.readouterr().err)
    return line


def test_a_log_line_names_the_trace_the_record_and_the_request(
    capsys: pytest.CaptureFixture[str],
) -> None:
    telemetry.configure("ingest", SETTINGS)
    headers: Headers = [*REQUEST.headers(), ("traceparent", TRACEPARENT)]
    with telemetry.handling("requests", 2, 7, headers, REQUEST.data):
        structlog.get_logger().info("accepted")
    line = logged(capsys)
    del line["timestamp"]
    assert line == {
        "event": "accepted",
        "level": "info",
        "service": "ingest",
        "trace_id": TRACE_ID,
        "topic": "requests",
        "partition": 2,
        "offset": 7,
        "event_id": "q-1",
        "request_id": "q-1",
    }


@pytest.mark.parametrize(
    "data",
    [
        b'{"request_id": "q-1"}',
        b'{"request": {"request_id": "q-1"}, "answer": null}',
        b'{"item": {"request": {"request_id": "q-1"}}}',
    ],
)
def test_the_request_is_found_in_the_data_of_every_stage(
    data: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    telemetry.configure("validator", SETTINGS)
    event = Event(id="derived", type="glideslope.answer.drafted.v1", source="/i", data=data)
    with telemetry.handling("answers.drafted", 0, 0, event.headers(), data):
        structlog.get_logger().info("checked")
    assert logged(capsys)["request_id"] == "q-1"


def test_an_event_about_no_request_has_no_request_id(capsys: pytest.CaptureFixture[str]) -> None:
    telemetry.configure("ingest", SETTINGS)
    event = Event(
        id="d-1", type="glideslope.document.submitted.v1", source="/dms", data=b'{"request": [1]}'
    )
    with telemetry.handling("documents", 0, 0, event.headers(), event.data):
        structlog.get_logger().info("accepted")
    line = logged(capsys)
    assert line["event_id"] == "d-1"
    assert "request_id" not in line


def test_after_a_handling_the_logs_are_about_it_no_more(capsys: pytest.CaptureFixture[str]) -> None:
    telemetry.configure("ingest", SETTINGS)
    with telemetry.handling("requests", 2, 7, REQUEST.headers(), REQUEST.data):
        pass
    structlog.get_logger().info("idle")
    assert "offset" not in logged(capsys)


names = st.one_of(st.sampled_from(["traceparent", "tracestate", "ce_id"]), st.text(max_size=5))
raws = st.one_of(st.none(), st.binary(max_size=60), st.just(TRACEPARENT))


@given(st.lists(st.tuples(names, raws), max_size=6), st.one_of(st.none(), st.binary(max_size=20)))
def test_no_record_is_too_strange_to_be_handled(headers: Headers, value: bytes | None) -> None:
    exporter = InMemorySpanExporter()
    telemetry.configure("ingest", SETTINGS, exporter=exporter)
    try:
        with telemetry.handling("requests", 0, 0, headers, value):
            assert telemetry._log_context()["offset"] == 0
            telemetry.inject(headers)
    finally:
        telemetry.shut_down()
    assert len(exporter.get_finished_spans()) == 1
