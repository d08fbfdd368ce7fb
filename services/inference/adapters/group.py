"""The consumer group that indexes `documents.accepted` on a server, once for all processes.

Each process is a member and writes the documents of the partitions that it is assigned; what was
written is committed after the server has acknowledged it. The commit's metadata names the index:
offsets that were committed for another one, since deleted, count for nothing.

A member looks at the keys of a partition before it begins with it, up to where it ends then: what
a later record replaces is passed over, and so never becomes findable.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final, TypeVar

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from services.inference.adapters.documents import GROUP, Decoding, Take
from services.inference.store import KeptIndex, Progress
from shared import topics
from shared.connection import connection
from shared.delivery import FatalError, Record
from shared.replay import described
from shared.settings import Settings

T = TypeVar("T")
SHARED_GROUP: Final = f"{GROUP}.shared"
"""The group's name after the topic prefix; of an index with an embedder, a version comes after."""
_POLL_MS: Final = 500
_POLL_RECORDS: Final = 256
_LOOK_SECONDS: Final = 0.2
_AGAIN_SECONDS: Final = 0.5
_REBALANCE_SECONDS: Final = 30
# A member whose embedder is down stays a member. Heartbeats tell of a process that is dead.
_IDLE_MS: Final = 7 * 24 * 3600 * 1000

_log = structlog.get_logger(__name__)


class PassedOverError(FatalError):
    """The topic is not the one any more that the group has read of."""

    def __init__(
        self, partition: TopicPartition, at: int, begin: int, end: int, group: str
    ) -> None:
        super().__init__(
            f"group {group} has indexed {partition.topic}-{partition.partition} up to {at}, which "
            f"is not between its beginning {begin} and its end {end}: records were lost, so the "
            "index may hold what is deleted. Delete its collection on the Qdrant server, then "
            "start again: it is built anew"
        )


class GroupMember(ConsumerRebalanceListener):  # type: ignore[misc] # aiokafka ships no types
    """Hands its share of the documents, in their newest state, to `take`.

    How far all members have got is asked of Kafka, under `group`. That all had got to the topic's
    end once is kept with the index under the reader's `name`. With `after` the documents are handed
    on only once the other group has dealt with them. Use inside `opened`.
    """

    def __init__(  # noqa: PLR0913 - whom it reads for
        self,
        settings: Settings,
        name: str,
        index: KeptIndex,
        take: Take,
        *,
        group: str = SHARED_GROUP,
        after: "GroupMember | None" = None,
    ) -> None:
        self._settings = settings
        self._topic = settings.topic(topics.DOCUMENTS_ACCEPTED)
        self._group = f"{settings.topic_prefix}{group}"
        self._name = name
        self._index = index
        self._take = take
        self._after = after
        self._decoding = Decoding()
        self._taken = 0
        self._partitions: list[TopicPartition] = []
        self._assigned = asyncio.Event()
        self._round: asyncio.Task[None] | None = None
        self._working: asyncio.Task[None] | None = None
        self._newest: dict[TopicPartition, Mapping[bytes, int]] = {}
        self._committed: dict[TopicPartition, int] = {}
        self._consumer: Any = None
        self._admin: Any = None
        self.is_complete = False
        """Whether the group has got to the topic's end, at least once."""

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Be a member of the group while the context lasts."""
        self._partitions, source = await described(self._settings, self._topic)
        await asyncio.to_thread(self._index.adopt, source)
        kept = await asyncio.to_thread(self._index.progress, self._name)
        self.is_complete = kept is not None and kept.is_complete
        async with AsyncExitStack() as stack:
            self._admin = AIOKafkaAdminClient(**connection(self._settings))
            stack.push_async_callback(self._admin.close)
            await self._admin.start()
            self._consumer = self._new_consumer()
            stack.push_async_callback(self._consumer.stop)
            self._consumer.subscribe([self._topic], listener=self)
            await self._consumer.start()
            async with asyncio.TaskGroup() as group:
                self._working = group.create_task(self._work())
                yield
                self._working.cancel()

    async def catch_up(self) -> None:
        """Wait until all members together have dealt with what there is now."""
        _, _, ends = await _again(lambda: self._standing(self._partitions))
        await self._until(ends)
        self.is_complete = True
        await asyncio.to_thread(
            self._index.keep_progress, self._name, Progress({}, is_complete=True)
        )
        _log.info(
            "index_caught_up",
            reader=self._name,
            documents=self._taken,
            unreadable=self._decoding.unreadable,
        )

    async def follow(self) -> None:
        """Do this member's share, for ever."""
        if self._working is not None:
            await self._working

    async def passed(self, records: Sequence[Record]) -> None:
        """Wait until the group has dealt with these records of the topic."""
        await self._until({TopicPartition(r.topic, r.partition): r.offset + 1 for r in records})

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Begin with the partitions."""
        _log.info("index_assigned", group=self._group, partitions=len(assigned))
        if assigned:
            self._assigned.set()

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:  # noqa: ARG002 - all are, each time
        """Leave off; whoever gets the partitions begins after the last commit.

        A write that is under way may end later than the next owner's: the index knows which of
        two states of a document is the later one.
        """
        self._assigned.clear()
        if self._round is not None:
            self._round.cancel()
            await asyncio.wait([self._round])

    async def _until(self, wanted: Mapping[TopicPartition, int]) -> None:
        while True:
            committed = await _again(self._progress)
            if all(committed.get(each, 0) >= offset for each, offset in wanted.items()):
                return
            await asyncio.sleep(_LOOK_SECONDS)

    async def _progress(self) -> dict[TopicPartition, int]:
        """Return how far the group has got with this index. Raises a `KafkaError`."""
        offsets = await self._admin.list_consumer_group_offsets(self._group)
        identity = self._index.identity
        return {each: at.offset for each, at in offsets.items() if at.metadata == identity}

    async def _standing(
        self, partitions: Sequence[TopicPartition]
    ) -> tuple[Mapping[TopicPartition, int], ...]:
        """Return how far the group has got, and the partitions' beginnings and ends.

        Raises `PassedOverError`, and a `KafkaError`.
        """
        committed = await self._progress()  # first: the ends only move on
        begin = await self._consumer.beginning_offsets(partitions)
        end = await self._consumer.end_offsets(partitions)
        for each in partitions:
            at = committed.get(each, begin[each])
            if not begin[each] <= at <= end[each]:
                raise PassedOverError(each, at, begin[each], end[each], self._group)
        return committed, begin, end

    async def _work(self) -> None:
        while True:
            await self._assigned.wait()
            self._round = asyncio.create_task(self._rounds(), name=f"index {self._name}")
            try:
                await asyncio.wait([self._round])
            finally:
                self._round.cancel()
                await asyncio.wait([self._round])
            if not self._round.cancelled():
                self._round.result()

    async def _rounds(self) -> None:
        try:
            await self._find_places()
            while True:
                await self._next()
        except KafkaError as error:
            gone_on = isinstance(error, CommitFailedError | IllegalStateError)  # without us
            if not (gone_on or error.retriable):
                raise
            _log.warning("index_group_again", group=self._group, kind=type(error).__name__)
            await asyncio.sleep(_AGAIN_SECONDS)

    async def _find_places(self) -> None:
        assigned = sorted(self._consumer.assignment())
        committed, begin, end = await self._standing(assigned)
        self._committed = {**committed}
        for each in assigned:
            at = committed.get(each, begin[each])
            self._newest[each] = await self._newest_of(each, at, end[each])
            self._consumer.seek(each, at)
        await self._commit()

    async def _newest_of(
        self, partition: TopicPartition, begin: int, end: int
    ) -> Mapping[bytes, int]:
        """Return the offset of each key's last record between the two."""
        newest: dict[bytes, int] = {}
        self._consumer.seek(partition, begin)
        while await self._consumer.position(partition) < end:
            fetched = await self._consumer.getmany(partition, timeout_ms=_POLL_MS)
            for records in fetched.values():
                newest.update({r.key: r.offset for r in records if r.key is not None})
        return newest

    async def _next(self) -> None:
        fetched = await self._consumer.getmany(timeout_ms=_POLL_MS, max_records=_POLL_RECORDS)
        for partition, raw in fetched.items():
            newest = self._newest[partition]
            records = [Record.of(each) for each in raw]
            if self._after is not None:
                await self._after.passed(records)
            current = [each for each in records if each.offset >= newest.get(each.key or b"", 0)]
            await self._take(self._decoding.read(current))
            self._taken += len(current)
        await self._commit()

    async def _commit(self) -> None:
        """Commit what was dealt with, where that is more than before."""
        positions = {p: await self._consumer.position(p) for p in self._consumer.assignment()}
        further = {p: at for p, at in positions.items() if self._committed.get(p) != at}
        if further:
            identity = self._index.identity
            await self._consumer.commit({each: (at, identity) for each, at in further.items()})
            self._committed |= further

    def _new_consumer(self) -> AIOKafkaConsumer:
        return AIOKafkaConsumer(
            **connection(self._settings),
            group_id=self._group,
            group_instance_id=self._settings.instance,
            isolation_level="read_committed",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            partition_assignment_strategy=(RangePartitionAssignor,),
            session_timeout_ms=int(self._settings.session_timeout_seconds * 1000),
            heartbeat_interval_ms=int(self._settings.heartbeat_seconds * 1000),
            rebalance_timeout_ms=_REBALANCE_SECONDS * 1000,
            max_poll_interval_ms=_IDLE_MS,
        )


async def _again(ask: Callable[[], Awaitable[T]]) -> T:
    """Return what is asked of Kafka, as soon as there is somebody to answer."""
    while True:
        try:
            return await ask()
        except KafkaError as error:
            if not error.retriable:  # a broker that is away, or is just being chosen, is
                raise
        await asyncio.sleep(_AGAIN_SECONDS)
