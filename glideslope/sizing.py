"""From questions a day to processes, partitions, brokers and dollars, each step shown.

What a request takes was measured on one machine; all else is arithmetic, and nothing of it beyond
that machine has been measured. `docs/sizing.md` explains each step.
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
    """What one request takes. docs/sizing.md says where each figure comes from."""

    ingest_ms: float = 0.7
    inference_ms: float = 4.6
    validator_ms: float = 12.9
    audit_ms: float = 4.3
    broker_ms: float = 5.8
    """CPU time of all these, milliseconds; the broker is one that keeps one copy."""
    kafka_kib: float = 9.0
    """What a request leaves in all topics, one copy, without what is retrieved for it, KiB."""
    audit_kib: float = 17.1
    """What it leaves in the audit log, without that, KiB."""
    passages_travel: int = 2
    """On so many topics what was retrieved stands beside the answer: drafted, and checked."""

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
    passages_kib: float = 10.0
    """What is retrieved for a question, KiB."""


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


@dataclass(frozen=True)
class Size:
    """What a demand comes to."""

    demand: Demand
    measured: Measured = Measured()
    rules: Rules = Rules()
    prices: Prices = Prices()

    @property
    def peak(self) -> float:
        """Requests a second in the busiest minute."""
        return self.demand.questions_a_day / DAY_SECONDS * self.demand.peak

    @property
    def replicas(self) -> Mapping[str, int]:
        """Processes of each service."""
        by_cpu = {name: self._by_cpu(ms) for name, ms in self.measured.cpu_ms.items()}
        inference = max(by_cpu["inference"], self._waiting)
        return {**by_cpu, "inference": inference, "review": self.rules.least_replicas}

    @property
    def partitions(self) -> int:
        """Partitions of each topic."""
        wanted = max(self.replicas.values()) * self.rules.headroom
        return next((number for number in self.rules.partition_steps if number >= wanted), wanted)

    @property
    def brokers(self) -> int:
        """Brokers of Kafka."""
        return max(self.rules.copies, self._brokers_by_cpu, self._brokers_by_partitions)

    @property
    def topics_gb(self) -> float:
        """What the topics hold, all copies."""
        each = self.measured.kafka_kib + self._retrieved_kib
        kib = self.demand.questions_a_day * each * self.rules.days_kept
        return kib * self.rules.copies / _KIB_A_GB

    @property
    def audit_gb(self) -> float:
        """What the audit log holds at the end of the years for which it is kept."""
        each = self.measured.audit_kib + self._retrieved_kib
        return self.demand.questions_a_day * each * 365 * self.demand.audit_years / _KIB_A_GB

    @property
    def dollars(self) -> Mapping[str, float]:
        """A month's bill, by part."""
        rules, prices = self.rules, self.prices
        process = rules.replica_vcpu * prices.vcpu_hour + rules.replica_gib * prices.gib_hour
        return {
            "services": sum(self.replicas.values()) * process * _MONTH_HOURS,
            "control plane": prices.cluster_hour * _MONTH_HOURS,
            "brokers": self.brokers * prices.broker_hour * _MONTH_HOURS,
            "topics": self.topics_gb * prices.broker_gb_month,
            "audit log": self.audit_gb * prices.archive_gb_month,
            "models": self.demand.questions_a_day * _MONTH_DAYS * self.demand.model_usd,
        }

    @property
    def total(self) -> float:
        """US dollars a month."""
        return sum(self.dollars.values())

    def steps(self) -> Iterator[str]:
        """Yield the arithmetic, a line each."""
        demand, measured, rules = self.demand, self.measured, self.rules
        yield (
            f"peak: {demand.questions_a_day:,.0f} questions / {DAY_SECONDS:,} s x "
            f"{demand.peak:g} = {self.peak:.2f} requests/s"
        )
        for name, ms in measured.cpu_ms.items():
            yield (
                f"{name}: {self.peak:.2f}/s x {ms:g} ms = {self.peak * ms / 1000:.2f} cores / "
                f"{rules.busy:.0%} busy → {self._by_cpu(ms)} (at least {rules.least_replicas})"
            )
        if self._waiting:
            yield (
                f"inference waits for its model: {self.peak:.2f}/s x {demand.model_seconds:g} s / "
                f"({rules.slots} slots x {rules.busy:.0%}) → {self._waiting}"
            )
        yield (
            f"partitions: {max(self.replicas.values())} processes x {rules.headroom} → "
            f"{self.partitions}, the next of {', '.join(map(str, rules.partition_steps))}"
        )
        yield (
            f"brokers: at least {rules.copies} for as many copies; by CPU time "
            f"{self._brokers_by_cpu}; by {len(topics.ALL)} topics x {self.partitions} x "
            f"{rules.copies} = {self._held:,} replicas / {rules.broker_partitions:,} → "
            f"{self._brokers_by_partitions}"
        )
        yield (
            f"topics: ({measured.kafka_kib:g} + {self._retrieved_kib:g}) KiB x "
            f"{demand.questions_a_day:,.0f} x "
            f"{rules.days_kept:g} days x {rules.copies} copies = {self.topics_gb:,.0f} GB"
        )
        yield (
            f"audit log: ({measured.audit_kib:g} + {self._retrieved_kib:g}) KiB x "
            f"{demand.questions_a_day:,.0f} x 365 days x "
            f"{demand.audit_years:g} years = {self.audit_gb:,.0f} GB"
        )

    @property
    def _retrieved_kib(self) -> float:
        return self.demand.passages_kib * self.measured.passages_travel

    @property
    def _waiting(self) -> int:
        """Processes of inference whose slots hold what waits for a model (Little's law)."""
        at_once = self.peak * self.demand.model_seconds
        return ceil(at_once / (self.rules.slots * self.rules.busy))

    @property
    def _held(self) -> int:
        """Replicas of partitions on all brokers."""
        return len(topics.ALL) * self.partitions * self.rules.copies

    @property
    def _brokers_by_partitions(self) -> int:
        return ceil(self._held / self.rules.broker_partitions)

    @property
    def _brokers_by_cpu(self) -> int:
        cores = self.peak * self.measured.broker_ms / 1000 * self.rules.copies
        return ceil(cores / (self.rules.broker_vcpu * self.rules.busy))

    def _by_cpu(self, ms: float) -> int:
        # a process runs one loop, and so has one core
        return max(self.rules.least_replicas, ceil(self.peak * ms / 1000 / self.rules.busy))
