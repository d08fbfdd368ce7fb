"""What a call leaves behind in spans and metrics."""

from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind
from structlog.testing import capture_logs

from services.inference.models.errors import UnavailableError
from shared import telemetry
from shared.metrics import Exposition
from shared.settings import Settings
from tests.unit.services.inference.models.test_chain import (
    REPLY,
    Scripted,
    chain,
    drafted,
    release,
    task,
)


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    telemetry.configure("inference", Settings(), exporter=exporter)
    yield exporter
    telemetry.shut_down()


async def test_a_call_is_a_span_by_the_conventions_for_generative_ai(
    spans: InMemorySpanExporter,
) -> None:
    await drafted(Scripted(a=[REPLY]), task(release("p:a", temperature=0.5)))
    (span,) = spans.get_finished_spans()

    assert (span.name, span.kind) == ("chat a", SpanKind.CLIENT)
    assert dict(span.attributes or {}) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "scripted",
        "gen_ai.request.model": "a",
        "gen_ai.request.max_tokens": 1024,
        "gen_ai.request.temperature": 0.5,
        "gen_ai.response.model": "a",
        "gen_ai.usage.input_tokens": 100,
        "gen_ai.usage.output_tokens": 10,
    }


async def test_a_failed_call_marks_its_span_with_what_went_wrong_and_quotes_nothing(
    spans: InMemorySpanExporter,
) -> None:
    provider = Scripted(a=[UnavailableError("the secret plan")])
    await drafted(provider, task(release("p:a", "extractive")))
    (span,) = spans.get_finished_spans()

    assert (span.attributes or {})["error.type"] == "unavailable"
    assert not span.events
    assert "secret" not in span.to_json()


async def test_calls_tokens_cost_and_who_wrote_the_draft_are_counted() -> None:
    exposition = Exposition("inference", Settings())
    generator = chain(Scripted(a=[UnavailableError("down")], b=[REPLY]))
    generator.measured(exposition.metrics)
    with capture_logs():
        await generator.generate(task(release("p:a", "p:b")))
    page = exposition.page()[0].decode()
    exposition.close()

    told = 'gen_ai_operation_name="chat",gen_ai_provider_name="scripted",gen_ai_request_model="b"'
    service = 'service_name="inference"'
    wanted = [
        f'glideslope_model_calls_total{{model="p:a",outcome="unavailable",{service}}} 1',
        f'glideslope_model_calls_total{{model="p:b",outcome="answered",{service}}} 1',
        f'glideslope_drafts_total{{model="p:b",place="fallback",{service}}} 1',
        f'glideslope_model_breaker_open{{model="p:a",{service}}} 0',
        f'glideslope_model_cost_total{{model="p:b",{service},tenant="acme"}} 0.002',
        f'gen_ai_client_token_usage_sum{{{told},gen_ai_token_type="input",{service}}} 100',
        'error_type="unavailable",gen_ai_operation_name="chat"',
    ]
    assert [line for line in wanted if line not in page] == []
