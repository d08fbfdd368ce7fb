"""The partitions that this process is assigned, from taking over to letting go."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Final, Protocol

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError

from shared.delivery.errors import FatalError
from shared.delivery.partition import PartitionWorker
from shared.delivery.progress import Progress
from shared.delivery.record import Record
from shared.delivery.transactions import Committed
from shared.metrics import REBALANCES, RECORDS_CONSUMED, Metrics

_OPEN_AGAIN_SECONDS: Final = 0.5

log = structlog.get_logger(__name__)


class OpenWorker(Protocol):
    """Makes the worker of a partition; `fenced` and `has_room` as `PartitionWorker` has them."""

    def __call__(
        self, partition: TopicPartition, *, fenced: Callable[[], None], has_room: Callable[[], None]
    ) -> PartitionWorker:
        """Return a worker that is not open yet."""


class Assignment(ConsumerRebalanceListener):  # type: ignore[misc] # aiokafka ships no types
    """Keeps one worker for each assigned partition, and the consumer's position where it belongs.

    On revocation everything in flight is drained within `drain_seconds`, which must stay below the
    rebalance timeout. A fenced partition that is still assigned is taken over again after
    `reopen_seconds`: longer than it takes to hear of a rebalance.
    """

    def __init__(  # noqa: PLR0913 - a rebalance touches this much
        self,
        consumer: AIOKafkaConsumer,
        worker: OpenWorker,
        *,
        on_assigned: Callable[[str, int], Awaitable[None]] | None,
        on_revoked: Callable[[str, int], Awaitable[None]] | None,
        failed: Callable[[BaseException], None],
        drain_seconds: float,
        reopen_seconds: float,
        metrics: Metrics | None = None,
    ) -> None:
        self._consumer = consumer
        self._worker = worker
        self._on_assigned = on_assigned
        self._on_revoked = on_revoked
        self._failed = failed
        self._drain_seconds = drain_seconds
        self._reopen_seconds = reopen_seconds
        self._metrics = metrics or Metrics()
        self._workers: dict[TopicPartition, PartitionWorker] = {}
        self._opening: dict[TopicPartition, asyncio.Task[None]] = {}
        self._settled = asyncio.Event()
        self._leaving = False
        self._letting_go = asyncio.Lock()
        self._has_room = asyncio.Event()
        self._waiting: asyncio.Timeout | None = None
        self._asked: frozenset[TopicPartition] = frozenset()
        self.is_assigned = False
        """Whether the group has said what this process is assigned, be it nothing."""

    @property
    def workers(self) -> Mapping[TopicPartition, PartitionWorker | None]:
        """The worker of each assigned partition, None of one that is still to be opened."""
        return {**dict.fromkeys(self._opening.copy()), **self._workers.copy()}

    async def settled(self) -> None:
        """Wait until every partition of the first assignment is open."""
        await self._settled.wait()

    async def with_room(self) -> list[TopicPartition]:
        """Wait until records can be taken, and return the partitions whose workers are not full.

        A full partition is simply not asked for records. Pausing it would throw away what has
        been fetched of it, to fetch it again.
        """
        while True:
            self._has_room.clear()
            if taking := self._with_room():
                return taking
            await self._has_room.wait()

    def _with_room(self) -> list[TopicPartition]:
        return [p for p, w in self._workers.items() if w.is_open and not w.is_full]

    @asynccontextmanager
    async def until_more_room(self, asked: Iterable[TopicPartition]) -> AsyncIterator[None]:
        """Enter a wait for records of `asked` that ends, without any, once others have room.

        What has been fetched of those lies there already, and nothing else would end it.
        """
        self._asked = frozenset(asked)
        waiting = asyncio.timeout(None)
        try:
            async with waiting as self._waiting:
                yield
        except TimeoutError:
            if not waiting.expired():
                raise
        finally:
            self._waiting = None

    def _found_room(self) -> None:
        self._has_room.set()
        if self._waiting is not None and not self._asked.issuperset(self._with_room()):
            self._waiting.reschedule(asyncio.get_running_loop().time())
            self._waiting = None

    def take(self, partition: TopicPartition, records: Iterable[Record]) -> None:
        """Hand fetched records to the partition's worker.

        Records of a partition that is not open (any more) are passed over: whoever opens it
        seeks to its committed offset first.
        """
        worker = self._workers.get(partition)
        if worker is None or not worker.is_open:
            return
        before = worker.in_flight
        worker.take(*records)
        self._metrics.count(RECORDS_CONSUMED, partition.topic, by=worker.in_flight - before)

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Take the new partitions over, in the background: the group need not wait for it."""
        log.info("assigned", partitions=len(list(assigned)))
        self._metrics.count(REBALANCES)
        self.is_assigned = True
        if self._leaving:  # a rebalance that ended meanwhile: these are for the next owner to open
            return
        for partition in assigned:
            self._start_opening(partition)
        self._settle()

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Drain the partitions and let them go, before the group hands them on.

        An error stops the service: the consumer that calls this would only log it.
        """
        self.is_assigned = False
        if revoked:
            log.info("revoked", partitions=len(list(revoked)))
        try:
            await self.drain(revoked)
        except Exception as error:
            self._failed(error)
            raise

    async def drain(self, partitions: Iterable[TopicPartition] | None = None) -> None:
        """Drain the given partitions, or all for good: none is opened after that.

        What is being drained already is waited for: a rebalance that begins while the service
        stops must not hand a partition on that still has work in flight.
        """
        self._leaving = self._leaving or partitions is None
        async with self._letting_go:
            ours = set(self._workers) | set(self._opening)
            leaving = ours if partitions is None else ours & set(partitions)
            openings = [self._opening.pop(p) for p in leaving if p in self._opening]
            for opening in openings:
                opening.cancel()
            await asyncio.gather(*openings, return_exceptions=True)
            workers = [self._workers.pop(p) for p in leaving if p in self._workers]
            await asyncio.gather(*(worker.drain(self._drain_seconds) for worker in workers))
            if self._on_revoked is not None:
                for partition in sorted(leaving):
                    await self._on_revoked(partition.topic, partition.partition)

    def _start_opening(self, partition: TopicPartition, after: float = 0.0) -> None:
        task = asyncio.create_task(self._open(partition, after), name=f"open {partition}")
        self._opening[partition] = task
        task.add_done_callback(lambda done: self._opened(partition, done))

    async def _open(self, partition: TopicPartition, after: float) -> None:
        await asyncio.sleep(after)
        former = self._workers.get(partition)
        if former is not None:  # known until it has let go: a revocation may come meanwhile
            await former.drain(0)
        worker = self._worker(
            partition,
            fenced=lambda: self._fenced(partition, worker),
            has_room=self._found_room,
        )
        self._workers[partition] = worker
        while True:
            try:
                progress = await self._progress(partition, await worker.open())
                if self._on_assigned is not None:
                    await self._on_assigned(partition.topic, partition.partition)
                break
            except IllegalStateError:
                raise
            except KafkaError as error:
                log.warning("not open yet", partition=partition, error=repr(error))
                await asyncio.sleep(_OPEN_AGAIN_SECONDS)
        self._consumer.seek(partition, progress.position)
        worker.begin(progress)
        self._found_room()

    def _fenced(self, partition: TopicPartition, worker: PartitionWorker) -> None:
        """Take the partition over again, unless it was on its way out: it is another's then."""
        if self._workers.get(partition) is worker:
            self._start_opening(partition, self._reopen_seconds)

    async def _progress(self, partition: TopicPartition, committed: Committed | None) -> Progress:
        beginning: int = (await self._consumer.beginning_offsets([partition]))[partition]
        end: int = (await self._consumer.end_offsets([partition]))[partition]
        if committed is None:
            return Progress(beginning)
        if committed.position > end:
            raise FatalError(
                f"{partition.topic}-{partition.partition} ends at {end}, before the committed "
                f"offset {committed.position}: records were lost on the cluster. Find out which, "
                "then reset this group's offset with kafka-consumer-groups.sh and start again"
            )
        if committed.position < beginning:
            log.error(
                "records were deleted before they were read",
                partition=partition,
                first=committed.position,
                count=beginning - committed.position,
            )
        return Progress(committed.position, committed.metadata)

    def _opened(self, partition: TopicPartition, task: asyncio.Task[None]) -> None:
        if self._opening.get(partition) is task:
            del self._opening[partition]
        if task.cancelled():
            return
        error = task.exception()
        if error is None:
            self._settle()
        elif not isinstance(error, IllegalStateError):  # that is: revoked meanwhile
            self._failed(error)

    def _settle(self) -> None:
        if not self._opening:
            self._settled.set()
