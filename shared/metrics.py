"""Every metric of the services: its name, once, and what it counts; and where they are collected.

Names follow OpenTelemetry's conventions. Prometheus reads them with underscores, the unit at the
end and `_total` behind counters: `glideslope.records.handled` as
`glideslope_records_handled_total`. Every sample carries the service's name. Counters count since
the process started. `docs/metrics.md` is generated from here.

Counting must cost next to nothing for a record, so a counter is a number in a dictionary that is
read when somebody asks (an asynchronous instrument); only what happens once a transaction is
recorded at once.

Source: OpenTelemetry's metrics API and SDK, its Prometheus compatibility specification.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.metrics import CallbackOptions, Meter, NoOpMeter, Observation
from opentelemetry.sdk.metrics import MeterProvider, ObservableGauge
from opentelemetry.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import choose_encoder

from shared.settings import Settings

_SERIES_MAX: Final = 20_000
"""Time series of one gauge; the SDK's own limit, 2,000, is below what audit has."""
_LAST_EXPORT_MS: Final = 2_000


@dataclass(frozen=True, eq=False, slots=True)
class Metric:
    """One metric. `unit` is in UCUM (`s`, `By`, `{record}`); `attributes` tell its series apart."""

    name: str
    unit: str
    meaning: str
    attributes: tuple[str, ...] = ()


class Counter(Metric):
    """Counts what happened; it only grows."""


class Gauge(Metric):
    """A state, read when somebody asks."""


@dataclass(frozen=True, eq=False, slots=True)
class Histogram(Metric):
    """How often a measured value fell between which `bounds`."""

    bounds: tuple[float, ...] = ()


# A record's way through a service. `topic` is where it was first consumed, also after its rounds
# through the retry topic; only `consumed` and `committed` count it on the retry topic itself.
RECORDS_CONSUMED: Final = Counter(
    "glideslope.records.consumed",
    "{record}",
    "Records taken from Kafka to be handled; not those that had been completed before a restart.",
    ("topic",),
)
RECORDS_HANDLED: Final = Counter(
    "glideslope.records.handled",
    "{record}",
    "Records whose handler succeeded.",
    ("topic",),
)
RECORDS_RETRIED: Final = Counter(
    "glideslope.records.retried",
    "{record}",
    "Times that a record failed all tries in a row and was put off to another round.",
    ("topic", "reason"),
)
RECORDS_DEAD_LETTERED: Final = Counter(
    "glideslope.records.dead_lettered",
    "{record}",
    "Records that became dead letters, by reason code.",
    ("topic", "reason"),
)
TRIES_FAILED: Final = Counter(
    "glideslope.tries.failed",
    "{try}",
    "Calls of a handler that raised, first tries and repeated ones.",
    ("topic", "reason"),
)
RECORDS_COMMITTED: Final = Counter(
    "glideslope.records.committed",
    "{record}",
    "Records whose outcome (outputs, retry or dead letter) was committed with their offset.",
    ("topic",),
)
RECORDS_IN_FLIGHT: Final = Gauge(
    "glideslope.records.in_flight",
    "{record}",
    "Records taken and not yet committed: waiting for a slot, being handled, or being committed.",
    ("topic", "partition"),
)

# How far a partition is.
PARTITION_LAG: Final = Gauge(
    "glideslope.partition.lag",
    "{offset}",
    "Last stable offset minus the group's committed offset (the watermark). It counts records that "
    "are completed beyond the watermark, and transaction markers, so it is an upper bound of what "
    "is to do; but 0 where nothing is in flight and everything readable has been read. As of the "
    "last second.",
    ("topic", "partition"),
)
WATERMARK_AGE: Final = Gauge(
    "glideslope.watermark.age",
    "s",
    "For how long the oldest record in flight has been; 0 with none in flight. The watermark "
    "stands at that record.",
    ("topic", "partition"),
)
PROGRESS_METADATA: Final = Gauge(
    "glideslope.progress.metadata",
    "By",
    "Size of the last commit's metadata, which says what is completed beyond the watermark; the "
    "broker takes 4,096.",
    ("topic", "partition"),
)
PARTITION_HELD_BACK: Final = Gauge(
    "glideslope.partition.held_back",
    "1",
    "1 while what is completed beyond the watermark would not fit the metadata, so that the "
    "partition takes no new records.",
    ("topic", "partition"),
)

# Transactions and the group.
TRANSACTION_DURATION: Final = Histogram(
    "glideslope.transaction.duration",
    "s",
    "From the begin of a transaction to its commit, outputs and offsets included.",
    ("topic",),
    (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30),
)
TRANSACTIONS_REPEATED: Final = Counter(
    "glideslope.transactions.repeated",
    "{transaction}",
    "Transactions that failed or whose outcome was unknown; each is looked up, and repeated if it "
    "was not committed.",
    ("topic",),
)
PARTITIONS_FENCED: Final = Counter(
    "glideslope.partitions.fenced",
    "{partition}",
    "Times that another process had taken a partition over and the work on it here was dropped.",
    ("topic",),
)
PARTITIONS_OPEN: Final = Gauge(
    "glideslope.partitions.open",
    "{partition}",
    "Assigned partitions that records are taken from.",
)
REBALANCES: Final = Counter(
    "glideslope.rebalances",
    "{rebalance}",
    "Assignments that the group has given this process, the first one included.",
)

# What a process has to give, and what it depends on.
SLOTS_TAKEN: Final = Gauge(
    "glideslope.slots.taken",
    "{slot}",
    "Handlers at work.",
)
SLOTS_LIMIT: Final = Gauge(
    "glideslope.slots.limit",
    "{slot}",
    "Handlers that may be at work at once (GLIDESLOPE_MAX_IN_FLIGHT; of audit "
    "GLIDESLOPE_AUDIT_IN_FLIGHT).",
)
BREAKER_OPEN: Final = Gauge(
    "glideslope.breaker.open",
    "1",
    "1 while a dependency is taken to be down and records are held back, 0 once it is back. A "
    "dependency that has never failed has no series.",
    ("dependency",),
)
LOOP_DELAY: Final = Histogram(
    "glideslope.loop.delay",
    "s",
    "By how much the event loop was late for a timer, measured ten times a second: it grows when a "
    "handler blocks the loop.",
    (),
    (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10),
)

# Releases. `release` is the beginning of a content hash, as `glideslope release list` shows it.
REQUESTS_PINNED: Final = Counter(
    "glideslope.requests.pinned",
    "{request}",
    "Requests that ingest accepted, by the release that answers them and the part it has: "
    "`promoted` (or GLIDESLOPE_RELEASE), `canary`; and copies made for the one in `shadow`.",
    ("release", "part"),
)
SHADOWS_DROPPED: Final = Counter(
    "glideslope.shadows.dropped",
    "{copy}",
    "Copies for a release in shadow that were too old when their turn came, and were not run.",
    ("release",),
)
SHADOWS_FAILED: Final = Counter(
    "glideslope.shadows.failed",
    "{copy}",
    "Copies that a release in shadow could not answer because something was raised.",
    ("release", "reason"),
)

# Models. The first two are OpenTelemetry's, of its conventions for generative AI (v1.41.1).
GENAI_TOKENS: Final = Histogram(
    "gen_ai.client.token.usage",
    "{token}",
    "Tokens of one call of a model, read (`input`) or written (`output`).",
    (
        "gen_ai.operation.name",
        "gen_ai.provider.name",
        "gen_ai.request.model",
        "gen_ai.token.type",
    ),
    tuple(4.0**n for n in range(14)),
)
GENAI_DURATION: Final = Histogram(
    "gen_ai.client.operation.duration",
    "s",
    "From the call of a model to its outcome; `error.type` is empty where it answered.",
    ("gen_ai.operation.name", "gen_ai.provider.name", "gen_ai.request.model", "error.type"),
    tuple(0.01 * 2**n for n in range(14)),
)
MODEL_CALLS: Final = Counter(
    "glideslope.model.calls",
    "{call}",
    "Times that a model of a release's chain was to be called, by what came of it: `answered`, or "
    "what went wrong.",
    ("model", "outcome"),
)
MODEL_COST: Final = Counter(
    "glideslope.model.cost",
    "{USD}",
    "US dollars that calls of a model cost, by GLIDESLOPE_PRICES or the providers' list prices.",
    ("model", "tenant"),
)
DRAFTS: Final = Counter(
    "glideslope.drafts",
    "{draft}",
    "Drafts by who wrote them: the release's own model (`primary`), one that it falls back on "
    "(`fallback`), or nobody, so that it is referred (`referred`).",
    ("model", "place"),
)
RETRIEVAL_DEGRADED: Final = Counter(
    "glideslope.retrieval.degraded",
    "{retrieval}",
    "Times that passages were found without a model that the release names, by which (`embedder`: "
    "by BM25 alone, `reranker`: in the order in which they were found) and what went wrong.",
    ("part", "reason"),
)
INDEX_UNEMBEDDED: Final = Gauge(
    "glideslope.index.unembedded",
    "{document}",
    "Documents that an embedder has refused since the start, so that they are found by BM25 alone.",
    ("version",),
)
INDEX_BUILDING: Final = Gauge(
    "glideslope.index.building",
    "1",
    "1 while an index version is being built and the requests of its releases wait, 0 once it is "
    "complete.",
    ("version",),
)
MODEL_BREAKER_OPEN: Final = Gauge(
    "glideslope.model.breaker_open",
    "1",
    "1 while a model has failed time and again and the next of the chain is asked instead.",
    ("model",),
)
PROVIDER_CONCURRENCY: Final = Gauge(
    "glideslope.provider.concurrency",
    "{call}",
    "Calls that a provider is given at once: `concurrency`, or fewer since it throttled.",
    ("provider",),
)

# Reviews.
REVIEW_ITEMS: Final = Gauge(
    "glideslope.review.items",
    "{item}",
    "Answers that wait for a person: `free` and `claimed` are all of them, `due_soon` and "
    "`overdue` those of them whose time runs out or has.",
    ("tenant", "state"),
)
REVIEW_OLDEST: Final = Gauge(
    "glideslope.review.oldest",
    "s",
    "For how long the oldest answer has waited for a person.",
    ("tenant",),
)
REVIEW_DECISIONS: Final = Counter(
    "glideslope.review.decisions",
    "{decision}",
    "What people decided, each word counted where two decide.",
    ("tenant", "decision"),
)
REVIEW_DURATION: Final = Histogram(
    "glideslope.review.duration",
    "s",
    "From claiming an item to deciding it.",
    ("decision",),
    (5, 10, 20, 30, 60, 120, 300, 600, 1200, 3600),
)
REVIEW_REFUSALS: Final = Counter(
    "glideslope.review.refusals",
    "{request}",
    "Requests of browsers and programs to review that were refused, by why: `too_many`, `csrf`, "
    "`unknown`, `not_allowed`, ...",
    ("code",),
)
REVIEW_AGREEMENT: Final = Gauge(
    "glideslope.review.agreement",
    "1",
    "Cohen's kappa of the first two words on the items that two people decided, the newest 10,000: "
    "1 is full agreement, 0 what chance gives. No series before the first such item.",
)

ALL: Final[tuple[Metric, ...]] = tuple(
    each for each in list(globals().values()) if isinstance(each, Metric)
)
"""Every metric, in the order above."""

Reading = Mapping[tuple[str, ...], float]
"""What a gauge stands at: a value for each combination of its attributes' values."""


class Metrics:
    """The metrics of one process, collected by `meter`; by nobody if there is none."""

    def __init__(self, meter: Meter | None = None) -> None:
        self._meter = meter or NoOpMeter("")
        self._counts: dict[Counter, dict[tuple[str, ...], float]] = {}
        self._histograms = {
            metric: self._meter.create_histogram(
                metric.name,
                metric.unit,
                metric.meaning,
                explicit_bucket_boundaries_advisory=metric.bounds,
            )
            for metric in ALL
            if isinstance(metric, Histogram)
        }
        for metric in ALL:
            if isinstance(metric, Counter):
                self._counts[metric] = {} if metric.attributes else {(): 0}
                self._meter.create_observable_counter(
                    metric.name,
                    [partial(_observations, metric, partial(self.counted, metric))],
                    metric.unit,
                    metric.meaning,
                )

    def count(self, metric: Counter, *values: str, by: float = 1) -> None:
        """Add to a counter; `values` are those of its attributes, in their order."""
        counts = self._counts[metric]
        counts[values] = counts.get(values, 0) + by

    def counted(self, metric: Counter) -> dict[tuple[str, ...], float]:
        """Return what a counter stands at, by its attributes' values."""
        return self._counts[metric].copy()

    def record(self, metric: Histogram, value: float, *values: str) -> None:
        """Record a measured value."""
        self._histograms[metric].record(value, dict(zip(metric.attributes, values, strict=True)))

    def read_from(self, metric: Gauge, reading: Callable[[], Reading]) -> None:
        """Ask `reading` for the gauge's values from now on. Once for each gauge."""
        self._meter.create_observable_gauge(
            metric.name, [partial(_observations, metric, reading)], metric.unit, metric.meaning
        )


class Exposition:
    """Metrics that Prometheus may read, and that go to a collector where the settings name one."""

    def __init__(self, service: str, settings: Settings) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)  # memory, CPU time, open files
        readers: list[MetricReader] = [
            PrometheusMetricReader(
                scope_info_enabled=False,
                resource_attribute_filter=lambda name: name == "service.name",
                registry=self._registry,
                cardinality_limits={ObservableGauge: _SERIES_MAX},
            )
        ]
        if settings.metrics_exporter == "otlp" or (
            settings.metrics_exporter is None and settings.otlp_endpoint
        ):
            readers.append(_otlp(settings.otlp_endpoint))
        resource = {"service.name": service, "service.namespace": settings.deployment}
        self._provider = MeterProvider(readers, Resource.create(resource), shutdown_on_exit=False)
        self.metrics = Metrics(self._provider.get_meter("glideslope"))

    def page(self, accept: str = "") -> tuple[bytes, str]:
        """Return all metrics in the format that an `Accept` header asks for, and its type."""
        encode, content_type = choose_encoder(accept)
        return encode(self._registry), content_type

    def close(self) -> None:
        """Send what is still to be sent, for a few seconds at the most."""
        self._provider.shutdown(_LAST_EXPORT_MS)


def _observations(
    metric: Metric, reading: Callable[[], Reading], _options: CallbackOptions
) -> Iterable[Observation]:
    for values, value in reading().items():
        yield Observation(value, dict(zip(metric.attributes, values, strict=True)))


def _otlp(endpoint: str | None) -> MetricReader:
    # imported here: it takes a tenth of a second that nobody pays without a collector
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import (  # noqa: PLC0415 - see above
        OTLPMetricExporter,
    )

    return PeriodicExportingMetricReader(
        OTLPMetricExporter(endpoint=f"{endpoint.rstrip('/')}/v1/metrics" if endpoint else None)
    )
