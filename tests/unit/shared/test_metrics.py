import http.server
import re
import threading
from collections.abc import Iterator

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from prometheus_client.parser import text_string_to_metric_families

from shared import metrics
from shared.metrics import (
    ALL,
    PARTITION_LAG,
    REBALANCES,
    RECORDS_DEAD_LETTERED,
    RECORDS_HANDLED,
    TRANSACTION_DURATION,
    Exposition,
    Metrics,
)
from shared.settings import Settings


@pytest.fixture
def exposition() -> Iterator[Exposition]:
    exposition = Exposition("relay", Settings(otlp_endpoint=None))
    yield exposition
    exposition.close()


def samples(exposition: Exposition) -> dict[tuple[str, ...], float]:
    """Return each sample's value by its name and the values of its labels."""
    text = exposition.page()[0].decode()
    return {
        (each.name, *(value for _, value in sorted(each.labels.items()))): each.value
        for family in text_string_to_metric_families(text)
        for each in family.samples
    }


def test_a_counter_adds_up_by_its_attributes_and_names_the_service(exposition: Exposition) -> None:
    counted = exposition.metrics
    counted.count(RECORDS_DEAD_LETTERED, "requests", "bad_json")
    counted.count(RECORDS_DEAD_LETTERED, "requests", "bad_json", by=2)
    counted.count(RECORDS_DEAD_LETTERED, "documents", "bad_data")
    read = samples(exposition)
    name = "glideslope_records_dead_lettered_total"
    assert read[name, "bad_json", "relay", "requests"] == 3
    assert read[name, "bad_data", "relay", "documents"] == 1


def test_a_counter_without_attributes_is_there_before_anything_happened(
    exposition: Exposition,
) -> None:
    assert samples(exposition)["glideslope_rebalances_total", "relay"] == 0


def test_a_gauge_is_read_when_somebody_asks(exposition: Exposition) -> None:
    lag: dict[tuple[str, ...], float] = {("requests", "0"): 3}
    exposition.metrics.read_from(PARTITION_LAG, lambda: lag)
    assert samples(exposition)["glideslope_partition_lag", "0", "relay", "requests"] == 3
    lag[("requests", "0")] = 1
    assert samples(exposition)["glideslope_partition_lag", "0", "relay", "requests"] == 1


def test_a_partition_that_went_away_has_no_series_any_more(exposition: Exposition) -> None:
    lag: dict[tuple[str, ...], float] = {("requests", "0"): 3}
    exposition.metrics.read_from(PARTITION_LAG, lambda: lag)
    samples(exposition)
    lag.clear()
    assert not [key for key in samples(exposition) if key[0] == "glideslope_partition_lag"]


def test_a_histogram_has_the_bounds_that_it_declares(exposition: Exposition) -> None:
    exposition.metrics.record(TRANSACTION_DURATION, 0.03, "requests")
    read = samples(exposition)
    name = "glideslope_transaction_duration_seconds"
    assert read[f"{name}_count", "relay", "requests"] == 1
    assert read[f"{name}_bucket", "0.02", "relay", "requests"] == 0
    assert read[f"{name}_bucket", "0.05", "relay", "requests"] == 1


def test_more_partitions_than_the_sdk_expects_are_all_shown(exposition: Exposition) -> None:
    exposition.metrics.read_from(
        PARTITION_LAG, lambda: {("audit", str(number)): number for number in range(5_000)}
    )
    assert len([key for key in samples(exposition) if key[0] == "glideslope_partition_lag"]) == 5000


def test_metrics_that_nobody_collects_can_be_counted_all_the_same() -> None:
    silent = Metrics()
    silent.count(RECORDS_HANDLED, "requests")
    silent.record(TRANSACTION_DURATION, 0.1, "requests")
    silent.read_from(PARTITION_LAG, dict)
    silent.count(RECORDS_HANDLED, "requests", by=2)
    assert silent.counted(RECORDS_HANDLED) == {("requests",): 3}


@pytest.mark.parametrize("metric", ALL, ids=lambda metric: metric.name)
def test_a_name_follows_the_conventions(metric: metrics.Metric) -> None:
    # GenAI's semantic conventions name metrics and attributes of calls of models
    is_genai = metric.name.startswith("gen_ai.client.")
    assert is_genai or re.fullmatch(r"glideslope(\.[a-z][a-z_]*)+", metric.name)
    assert not metric.name.endswith("_total")  # Prometheus' exporter adds it
    assert metric.unit in {"s", "By", "1"} or re.fullmatch(r"\{([a-z]+|USD)\}", metric.unit)
    assert metric.meaning.endswith(".")
    form = r"gen_ai(\.[a-z]+)+|error\.type" if is_genai else "[a-z]+"
    assert all(re.fullmatch(form, attribute) for attribute in metric.attributes)


def test_every_metric_has_a_name_of_its_own() -> None:
    assert len({metric.name for metric in ALL}) == len(ALL) > 15


@pytest.fixture
def collector() -> Iterator[tuple[str, list[ExportMetricsServiceRequest]]]:
    """An OpenTelemetry collector's endpoint, and what it was sent."""
    received: list[ExportMetricsServiceRequest] = []

    class Collector(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/v1/metrics"
            body = self.rfile.read(int(self.headers["content-length"]))
            received.append(ExportMetricsServiceRequest.FromString(body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Collector) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", received
        server.shutdown()
        thread.join()


def sent(received: list[ExportMetricsServiceRequest]) -> dict[str, float]:
    return {
        metric.name: metric.sum.data_points[0].as_int
        for request in received
        for resource in request.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
        if metric.HasField("sum") and metric.sum.data_points
    }


def test_a_collector_gets_the_metrics_at_the_end_at_the_latest(
    collector: tuple[str, list[ExportMetricsServiceRequest]],
) -> None:
    endpoint, received = collector
    exposition = Exposition("relay", Settings(otlp_endpoint=endpoint))
    exposition.metrics.count(REBALANCES, by=4)
    exposition.close()
    assert sent(received)[REBALANCES.name] == 4


@pytest.mark.parametrize("exporter", ["prometheus", "none"])
def test_no_collector_gets_metrics_where_they_are_not_to_go_there(
    exporter: str, collector: tuple[str, list[ExportMetricsServiceRequest]]
) -> None:
    endpoint, received = collector
    exposition = Exposition(
        "relay",
        Settings.model_validate({"otlp_endpoint": endpoint, "metrics_exporter": exporter}),
    )
    exposition.metrics.count(REBALANCES)
    exposition.close()
    assert received == []
