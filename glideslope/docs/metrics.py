"""The page of all metrics, from `shared/metrics.py`."""

from collections.abc import Mapping
from functools import partial

from prometheus_client.parser import text_string_to_metric_families

from shared.metrics import ALL, Counter, Exposition, Gauge, Histogram, Metric
from shared.settings import Settings

_HEAD = """<!-- Generated from shared/metrics.py: run `make docs` -->
# Metrics

Each service serves its own at `/metrics`, for Prometheus; the log and the service manager (as
`STATUS=`) are told the address when it starts. With `OTEL_EXPORTER_OTLP_ENDPOINT` they go to an
OpenTelemetry collector as well, every minute (`OTEL_METRIC_EXPORT_INTERVAL`, milliseconds).

Prometheus' names come first, OpenTelemetry's below them. Besides the labels listed, each series has
`service_name`. Counters count since the process started. `topic` is the name on the cluster,
prefix included; in the counters of what became of a record it is the topic where the record was
first consumed, also after its rounds through the retry topic. `target_info` carries the process's
resource, `process_…` its memory, CPU time and open files.
"""
_KINDS: Mapping[type[Metric], str] = {
    Counter: "counter",
    Gauge: "gauge",
    Histogram: "histogram",
}


def page() -> str:
    """Return the page in Markdown."""
    names = _prometheus_names()
    rows = [
        f"| `{names[metric.meaning]}`<br>`{metric.name}` | {_KINDS[type(metric)]}, {metric.unit} "
        f"| {', '.join(f'`{name}`' for name in metric.attributes)} | {metric.meaning} |"
        for metric in ALL
    ]
    head = ["| name | kind, unit | labels | meaning |", "|---|---|---|---|"]
    return "\n".join([_HEAD, *head, *rows, ""])


def _prometheus_names() -> dict[str, str]:
    """Return by each metric's meaning what the exporter calls it; asked, not worked out again."""
    exposition = Exposition("docs", Settings.model_construct())
    for metric in ALL:
        values = ("",) * len(metric.attributes)
        if isinstance(metric, Counter):
            exposition.metrics.count(metric, *values)
        elif isinstance(metric, Gauge):
            exposition.metrics.read_from(metric, partial(dict, {values: 0.0}))
        elif isinstance(metric, Histogram):
            exposition.metrics.record(metric, 0.0, *values)
    text = exposition.page()[0].decode()
    exposition.close()
    return {
        family.documentation: family.name + ("_total" if family.type == "counter" else "")
        for family in text_string_to_metric_families(text)
    }
