"""The engine: consume → handlers, side by side → one transaction for each input partition."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Final

import structlog
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import TopicAuthorizationFailedError

from shared import topics
from shared.connection import connection
from shared.delivery.assignment import Assignment
from shared.delivery.attempts import Attempts, Rounds
from shared.delivery.breakers import DependencyBreakers, PoisonBreaker
from shared.delivery.budget import Budget
from shared.delivery.consumer import fetch, open_consumer, stop
from shared.delivery.declaration import Handlers, Service
from shared.delivery.errors import FatalError
from shared.delivery.limits import Limits
from shared.delivery.observer import Observer
from shared.delivery.partition import PartitionWorker
from shared.delivery.slots import Slots
from shared.delivery.standing import Standing, not_ready
from shared.delivery.transactions import KafkaTransactions
from shared.delivery.unhurried import Unhurried
from shared.health import Reason
from shared.metrics import (
    BREAKER_OPEN,
    RECORDS_COMMITTED,
    RECORDS_CONSUMED,
    RECORDS_HANDLED,
    SLOTS_LIMIT,
    SLOTS_TAKEN,
    Metrics,
)

_WAITING_RECORDS: Final = 10_000  # of a retry topic's partition: they wait, each until it is due
_ASIDE_DRAIN_SECONDS: Final = 1.0  # what is done aside must not hold up a rebalance
_OWN_CHECK_SECONDS: Final = 2.0
_LINGER_SECONDS: Final = 5.0  # a crash repeats so much more of what published nothing
_LULL_SECONDS: Final = 0.5  # and who looks at positions need not wait for long once all is done
_UNHURRIED_RECORDS: Final = 512  # room for what comes while they linger
_BRISK_SECONDS: Final = 0.01
_REST: Final = 2.0  # so that under load a partition commits about a third of the time

log = structlog.get_logger(__name__)


class Engine:
    """Runs one service until it is told to stop or cannot go on; `metrics` say how it does."""

    def __init__(self, service: Service, metrics: Metrics | None = None) -> None:
        self._service = service
        self._settings = service.settings
        self._handlers = Handlers(service)
        self._group = f"{self._settings.topic_prefix}{service.name}"
        self._stop = asyncio.Event()
        self._failure: BaseException | None = None
        self._slots = Slots(self._settings.max_in_flight, self._settings.shadow_in_flight)
        self._budget = Budget(self._settings.max_bytes_in_flight)
        self._retry_topic = self._settings.topic(topics.RETRIES[service.name])
        self._metrics = metrics or Metrics()
        self._assignment: Assignment | None = None
        self._observer: Observer | None = None
        self._dependencies = DependencyBreakers(
            self._settings.breaker_failures, self._settings.breaker_recovery_seconds
        )
        self._attempts = Attempts(
            self._handlers,
            Rounds(
                attempts=self._settings.attempts,
                delays=self._settings.retry_delays_seconds,
                retry_topic=self._retry_topic,
                dead_letters=self._settings.topic(topics.DEAD_LETTERS),
                in_order=service.in_order,
                foreign=frozenset(self._settings.topic(t) for t in topics.ALL if t.is_foreign),
                aside=service.aside,
            ),
            service=service.name,
            slots=self._slots,
            dependencies=self._dependencies,
            poison=PoisonBreaker(
                run=self._settings.poison_run,
                share=self._settings.poison_share,
                window=self._settings.poison_window,
                trip=self._fail,
            ),
            metrics=self._metrics,
        )
        self._prepare_metrics()

    def stop(self) -> None:
        """Stop fetching, finish what is in flight within the grace period, commit, leave."""
        self._stop.set()

    async def not_ready(self) -> list[Reason]:
        """Return every reason why the service is not ready; none if it is."""
        return not_ready(
            Standing(
                is_stopping=self._stop.is_set(),
                is_assigned=self._assignment is not None and self._assignment.is_assigned,
                partitions=self._observer.partitions() if self._observer else (),
                silent_seconds=self._observer.silent_seconds if self._observer else 0.0,
                silence_limit=self._settings.session_timeout_seconds,
                down=tuple(self._dependencies.open),
                own=await self._own_reason(),
            )
        )

    async def run(self, ready: Callable[[], None] = lambda: None) -> None:
        """Consume until `stop`; `ready` is called once all assigned partitions are open.

        Raises what made the service stop, if it was not told to.
        """
        await self._handlers.prepare()
        async with self._service.lifespan():
            admin = AIOKafkaAdminClient(**connection(self._settings))
            await admin.start()
            try:
                await self._check_topics(admin)
                await self._consume(admin, ready)
            finally:
                await admin.close()
        if self._failure is not None:
            raise self._failure

    async def _consume(self, admin: AIOKafkaAdminClient, ready: Callable[[], None]) -> None:
        consumer = open_consumer(self._settings, self._group)
        unhurried = Unhurried(consumer, self._service.unhurried)
        assignment = Assignment(
            consumer,
            lambda partition, **told: self._worker(admin, partition, **told),
            on_assigned=self._service.on_assigned,
            on_revoked=self._service.on_revoked,
            failed=self._fail,
            drain_seconds=self._settings.grace_seconds,
            reopen_seconds=self._settings.session_timeout_seconds,
            metrics=self._metrics,
        )
        observer = Observer(consumer, assignment, self._metrics, self._patience)
        consumer.subscribe(sorted({*self._handlers.topics, self._retry_topic}), listener=assignment)
        await consumer.start()
        self._assignment, self._observer = assignment, observer
        observing = asyncio.create_task(observer.observe(), name="observe")
        announcing = asyncio.create_task(self._announce(assignment, ready))
        fetching = asyncio.create_task(fetch(consumer, assignment, unhurried), name="fetch")
        stopping = asyncio.create_task(self._stop.wait(), name="stop")
        try:
            await asyncio.wait([fetching, stopping], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (announcing, fetching, observing, stopping):
                task.cancel()
            await asyncio.gather(announcing, fetching, observing, stopping, return_exceptions=True)
            await assignment.drain()
            await stop(consumer)
        if not fetching.cancelled() and (error := fetching.exception()) is not None:
            raise error

    async def _announce(self, assignment: Assignment, ready: Callable[[], None]) -> None:
        await assignment.settled()
        log.info("ready", topics=sorted(self._handlers.topics))
        ready()

    def _worker(
        self,
        admin: AIOKafkaAdminClient,
        partition: TopicPartition,
        *,
        fenced: Callable[[], None],
        has_room: Callable[[], None],
    ) -> PartitionWorker:
        waits = partition.topic == self._retry_topic
        return PartitionWorker(
            f"{partition.topic}-{partition.partition}",
            KafkaTransactions(
                partition,
                group=self._group,
                settings=self._settings,
                admin=admin,
                destinations=self._written,
            ),
            self._attempts,
            self._slots,
            failed=self._fail,
            fenced=fenced,
            has_room=has_room,
            limits=self._limits(partition.topic),
            budget=self._budget,
            in_order=not waits,
            by_key=self._service.by_key,
            topic=partition.topic,
            metrics=self._metrics,
        )

    def _limits(self, topic: str) -> Limits:
        limits = Limits(
            linger=_LINGER_SECONDS, lull=_LULL_SECONDS, rest=_REST, brisk=_BRISK_SECONDS
        )
        if topic == self._retry_topic:
            return replace(limits, records=_WAITING_RECORDS)
        if topic in self._service.unhurried:
            return replace(limits, records=_UNHURRIED_RECORDS)
        if topic in self._service.aside:
            return replace(limits, drain=_ASIDE_DRAIN_SECONDS)
        return limits

    async def _check_topics(self, admin: AIOKafkaAdminClient) -> None:
        """Refuse to start on missing or unlike topics: outputs keep their input's partition."""
        wanted = self._handlers.topics | self._written
        described = await admin.describe_topics(sorted(wanted))
        partitions = {t["topic"]: len(t["partitions"]) for t in described if not t["error_code"]}
        codes = {t["topic"]: t["error_code"] for t in described}
        if hidden := {t for t in codes if codes[t] == TopicAuthorizationFailedError.errno}:
            raise FatalError(
                f"this service may not see: {', '.join(sorted(hidden))}; give it the rights that "
                "`glideslope access kafka` prints"
            )
        if missing := wanted - set(partitions):
            raise FatalError(
                f"topics are missing: {', '.join(sorted(missing))}; run `glideslope topics create`"
            )
        if len(set(partitions.values())) > 1:
            raise FatalError(
                f"topics differ in their number of partitions: {partitions}; a conversation has "
                "one number everywhere, so recreate those that are unlike the rest"
            )

    @property
    def _written(self) -> frozenset[str]:
        """The topics that transactions write to."""
        own = {self._retry_topic, self._settings.topic(topics.DEAD_LETTERS)}
        return self._handlers.destinations | own

    def _prepare_metrics(self) -> None:
        if self._service.measured is not None:
            self._service.measured(self._metrics)
        for topic in (*self._handlers.topics, self._retry_topic):
            self._metrics.count(RECORDS_CONSUMED, topic, by=0)
            self._metrics.count(RECORDS_COMMITTED, topic, by=0)
        for topic in self._handlers.topics:
            self._metrics.count(RECORDS_HANDLED, topic, by=0)
        self._metrics.read_from(SLOTS_TAKEN, lambda: {(): self._slots.taken})
        self._metrics.read_from(SLOTS_LIMIT, lambda: {(): self._settings.max_in_flight})
        self._metrics.read_from(
            BREAKER_OPEN, lambda: {(name,): down for name, down in self._dependencies.known.items()}
        )

    def _patience(self, topic: str) -> float:
        """Return for how long, in seconds, a partition of `topic` may stand still.

        Longer where records wait for their next round.
        """
        waits = topic == self._retry_topic or topic in self._service.in_order
        rounds = max(self._settings.retry_delays_seconds, default=0.0) if waits else 0.0
        return self._settings.stall_seconds + rounds

    async def _own_reason(self) -> str | None:
        if self._service.ready is None:
            return None
        try:
            async with asyncio.timeout(_OWN_CHECK_SECONDS):
                return await self._service.ready()
        except Exception as error:  # noqa: BLE001 - a check that fails is an answer: not ready
            log.warning("the service's own readiness check failed", error=repr(error))
            return f"its own readiness check failed: {type(error).__name__}"

    def _fail(self, error: BaseException) -> None:
        if self._failure is None:
            self._failure = error
        self._stop.set()
