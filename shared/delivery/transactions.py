"""One transactional producer for one input partition.

aiokafka speaks TxnOffsetCommit v0, which carries no group generation: only the producer's epoch
keeps a process that has lost a partition from committing to it. The transactional id therefore
names the input partition, and whoever is assigned it starts the producer first (which fences the
former owner and ends its open transaction) and only then asks for the committed offset.
"""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import structlog
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    InvalidProducerEpoch,
    InvalidTopicError,
    KafkaError,
    MessageSizeTooLargeError,
    OffsetMetadataTooLargeError,
    ProducerFenced,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailed,
)

from shared.delivery.errors import CommitError, FatalError, FencedError
from shared.delivery.producer import TransactionalProducer
from shared.delivery.record import Output
from shared.settings import Settings

_LASTING: Final = (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    InvalidTopicError,
    MessageSizeTooLargeError,
    OffsetMetadataTooLargeError,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailed,
)
"""What Kafka will say again, however often it is asked."""
_NOT_OURS: Final = (GroupAuthorizationFailedError, TransactionalIdAuthorizationFailed)
"""What Kafka says to who has not the rights to take a partition over."""
_CLOSE_SECONDS: Final = 5.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Committed:
    """What a group has committed of a partition: see `Progress` for what the two mean."""

    position: int
    metadata: str = ""


class Transactions(Protocol):
    """Commits outputs and input offsets of one partition as one."""

    async def start(self) -> Committed | None:
        """Take the partition over and return what is committed, None if nothing is."""

    async def commit(self, outputs: Sequence[Output], progress: Committed) -> None:
        """Commit all of it or nothing. Raises `CommitError` (unknown) or `FencedError`."""

    async def close(self) -> None:
        """Let the producer go. Never raises; safe to call twice."""


class KafkaTransactions:
    """`Transactions` on a Kafka cluster."""

    def __init__(
        self,
        source: TopicPartition,
        *,
        group: str,
        settings: Settings,
        admin: AIOKafkaAdminClient,
        destinations: Collection[str] = (),
    ) -> None:
        self._source = source
        self._group = group
        self._settings = settings
        self._admin = admin
        self._destinations = destinations
        self._producer: TransactionalProducer | None = None

    async def start(self) -> Committed | None:
        """Fence the former owner, then read what it has committed.

        Raises `CommitError`, and `FatalError` where this process has not the rights.
        """
        await self.close()
        self._producer = TransactionalProducer(
            f"{self._group}-{self._source.topic}-{self._source.partition}",
            group=self._group,
            settings=self._settings,
        )
        try:
            await self._producer.start(self._destinations)
            offsets = await self._admin.list_consumer_group_offsets(
                self._group, partitions=[self._source]
            )
        except _NOT_OURS as error:
            raise FatalError(
                f"Kafka does not let this service take {self._source} over: {error!r}. Give it the "
                "rights that `glideslope access kafka` prints, then start it again"
            ) from error
        except KafkaError as error:
            raise CommitError(f"taking over {self._source} failed: {error!r}") from error
        committed = offsets.get(self._source)
        if committed is None:  # the coordinator said no more than that it is not ready
            raise CommitError(f"the offset of {self._source} is not to be had yet")
        return Committed(committed.offset, committed.metadata) if committed.offset >= 0 else None

    async def commit(self, outputs: Sequence[Output], progress: Committed) -> None:
        """Produce `outputs` and commit `progress` in one transaction.

        Raises `FatalError` where repeating cannot help.
        """
        producer = self._producer
        if producer is None:
            raise CommitError(f"{self._source} has no producer")
        try:
            await producer.commit(outputs, self._source, progress.position, progress.metadata)
        except (ProducerFenced, InvalidProducerEpoch) as error:
            raise FencedError(f"{self._source} is owned by another process") from error
        except _LASTING as error:
            written = ", ".join(sorted({output.topic for output in outputs}))
            raise FatalError(
                f"Kafka refuses what {self._source} leads to, and would again: {error!r}. Check "
                f"this service's rights and max.message.bytes of {written}, then start it again"
            ) from error
        except KafkaError as error:
            raise CommitError(f"committing {self._source} failed: {error!r}") from error

    async def close(self) -> None:
        """Stop the producer; an open transaction is left to the next owner, who ends it."""
        producer, self._producer = self._producer, None
        if producer is None:
            return
        try:
            await asyncio.wait_for(producer.close(), _CLOSE_SECONDS)
        except (KafkaError, OSError, TimeoutError) as error:
            log.warning("producer did not close cleanly", partition=self._source, error=repr(error))
