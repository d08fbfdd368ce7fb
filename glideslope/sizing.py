"""From questions a day to processes, partitions, brokers and dollars, each step shown.

What a request takes was measured by `make bench-scale` on one machine; all else is arithmetic, and
nothing of it beyond that machine has been measured. `docs/sizing.md` explains each step.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import ceil
from typing import Final

from shared import topics

DAY_SECONDS: Final = 86_400
_MONTH_HOURS: Final = 730
_MONTH_DAYS: Final = 30.4
_KIB_A_GB: Final = 1e9 / 1024


@dataclass(frozen=True, slots=True)
class Measured:
    """What one request takes, by `make bench-scale` (benchmarks/results/scale.md)."""

    ingest_ms: float = 2.0
    inference_ms: float = 8.0
    validator_ms: float = 12.0
    audit_ms: float = 15.0
    broker_ms: float = 20.0
    """CPU time of all these, milliseconds; the broker is one that keeps one copy."""
    kafka_kib: float = 60.0
    """What a request leaves in all topics, one copy, KiB."""
    audit_kib: float = 40.0
    """What a request leaves in the audit log, KiB."""

    @property
    def cpu_ms(self) -> Mapping[str, float]:
        """CPU time of each service, milliseconds."""
        return {
            "ingest": self.ingest_ms,
            "inference": self.inference_ms,
            "validator": self.validator_ms,
            "audit": self.audit_ms,
        }


@dataclass(frozen=True, slots=True)
class Prices:
    """US dollars. List prices of AWS in us-east-1; they change: compare before you rely on them."""

    vcpu_hour: float = 0.04048
    """A vCPU of Fargate."""
    gib_hour: float = 0.004445
    """A GiB of memory of Fargate."""
    cluster_hour: float = 0.10
    """An EKS control plane."""
    broker_hour: float = 0.204
    """A broker kafka.m7g.large of MSK: 2 vCPU, 8 GiB."""
    broker_gb_month: float = 0.10
    """Storage of MSK."""
    archive_gb_month: float = 0.023
    """Storage of S3, for the audit log."""


@dataclass(frozen=True, slots=True)
class Demand:
    """What is asked of a deployment."""

    questions_a_day: float
    peak: float = 10.0
    """The busiest minute's rate over the day's average."""
    model_seconds: float = 2.0
    """How long a model takes for an answer; 0: the extractive one, which is CPU time alone."""
    model_usd: float = 0.0
    """What a model takes for an answer, US dollars."""
    audit_years: float = 7.0
    """How long the audit log is kept."""


@dataclass(frozen=True, slots=True)
class Rules:
    """How much of what there is may be used, and what is never gone below."""

    busy: float = 0.6
    """Share of a core, or of a process's slots, that the peak may take."""
    least_replicas: int = 2
    """One may fail, or be replaced, while the other works."""
    slots: int = 32
    """Requests that one process of inference handles at once (GLIDESLOPE_MAX_IN_FLIGHT)."""
    replica_vcpu: float = 1.0
    replica_gib: float = 1.0
    headroom: int = 2
    """Partitions over the most processes of a service: partitions are hard to add later."""
    partition_steps: tuple[int, ...] = (6, 12, 24, 48, 96, 192, 384)
    copies: int = 3
    """Of each partition."""
    broker_vcpu: float = 2.0
    broker_partitions: int = 1_000
    """Replicas of partitions that a broker of this size carries, as AWS recommends."""
    days_kept: float = 30.0
    """Days for which topics keep what they have."""


@dataclass(frozen=True, slots=True)
class Size:
    """What a demand comes to. `dollars` is a month's bill, by part."""

    average: float
    peak: float
    replicas: Mapping[str, int]
    partitions: int
    brokers: int
    topics_gb: float
    audit_gb: float
    dollars: Mapping[str, float]
    steps: tuple[str, ...]
    """The arithmetic, a sentence each."""

    @property
    def total(self) -> float:
        """US dollars a month."""
        return sum(self.dollars.values())


def size(
    demand: Demand,
    measured: Measured = Measured(),
    rules: Rules = Rules(),
    prices: Prices = Prices(),
) -> Size:
    """Work out what a demand needs."""
    average = demand.questions_a_day / DAY_SECONDS
    peak = average * demand.peak
    replicas = {name: _replicas(peak, ms, rules) for name, ms in measured.cpu_ms.items()}
    waiting = ceil(peak * demand.model_seconds / (rules.slots * rules.busy))
    replicas["inference"] = max(replicas["inference"], waiting)
    replicas["review"] = rules.least_replicas
    wanted = max(replicas.values()) * rules.headroom
    partitions = next((n for n in rules.partition_steps if n >= wanted), wanted)
    by_cpu = ceil(
        peak * measured.broker_ms / 1000 * rules.copies / (rules.broker_vcpu * rules.busy)
    )
    held = len(topics.ALL) * partitions * rules.copies
    by_partitions = ceil(held / rules.broker_partitions)
    brokers = max(rules.copies, by_cpu, by_partitions)
    topics_gb = (
        demand.questions_a_day * measured.kafka_kib * rules.days_kept * rules.copies / _KIB_A_GB
    )
    audit_gb = demand.questions_a_day * measured.audit_kib * 365 * demand.audit_years / _KIB_A_GB
    processes = sum(replicas.values())
    hourly = rules.replica_vcpu * prices.vcpu_hour + rules.replica_gib * prices.gib_hour
    dollars = {
        "services": processes * hourly * _MONTH_HOURS,
        "control plane": prices.cluster_hour * _MONTH_HOURS,
        "brokers": brokers * prices.broker_hour * _MONTH_HOURS,
        "topics": topics_gb * prices.broker_gb_month,
        "audit log": audit_gb * prices.archive_gb_month,
        "models": demand.questions_a_day * _MONTH_DAYS * demand.model_usd,
    }
    return Size(
        average,
        peak,
        replicas,
        partitions,
        brokers,
        topics_gb,
        audit_gb,
        dollars,
        tuple(_steps(demand, measured, rules, peak, replicas, waiting, partitions, by_cpu, held)),
    )


def _replicas(peak: float, cpu_ms: float, rules: Rules) -> int:
    # a process runs one loop, and so has one core
    return max(rules.least_replicas, ceil(peak * cpu_ms / 1000 / rules.busy))


def _steps(  # noqa: PLR0913, PLR0917 - all that was worked out is told
    demand: Demand,
    measured: Measured,
    rules: Rules,
    peak: float,
    replicas: Mapping[str, int],
    waiting: int,
    partitions: int,
    by_cpu: int,
    held: int,
) -> Iterator[str]:
    yield (
        f"peak: {demand.questions_a_day:,.0f} questions / {DAY_SECONDS:,} s x {demand.peak:g} = "
        f"{peak:.2f} requests/s"
    )
    for name, ms in measured.cpu_ms.items():
        cores = peak * ms / 1000
        yield (
            f"{name}: {peak:.2f}/s x {ms:g} ms = {cores:.2f} cores / {rules.busy:.0%} busy "
            f"→ {_replicas(peak, ms, rules)} processes (at least {rules.least_replicas})"
        )
    if waiting:
        yield (
            f"inference waits for its model: {peak:.2f}/s x {demand.model_seconds:g} s / "
            f"({rules.slots} slots x {rules.busy:.0%}) → {waiting}"
        )
    yield (
        f"partitions: {max(replicas.values())} processes x {rules.headroom} "
        f"→ {partitions}, the next of {', '.join(map(str, rules.partition_steps))}"
    )
    yield (
        f"brokers: {rules.copies} copies → at least {rules.copies}; by CPU time {by_cpu}; by "
        f"{len(topics.ALL)} topics x {partitions} x {rules.copies} = {held:,} replicas / "
        f"{rules.broker_partitions:,} → {ceil(held / rules.broker_partitions)}"
    )
    yield (
        f"topics: {measured.kafka_kib:g} KiB x {demand.questions_a_day:,.0f} x "
        f"{rules.days_kept:g} days x {rules.copies} copies"
    )
    yield (
        f"audit log: {measured.audit_kib:g} KiB x {demand.questions_a_day:,.0f} x 365 days x "
        f"{demand.audit_years:g} years"
    )
