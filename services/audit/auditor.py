"""Every record into the log of its partition; for each request, its first decision out of it."""

from collections.abc import Mapping

import structlog

from services.audit.decision import Decision
from services.audit.duties import fulfil
from services.audit.entry import Entry, Position
from services.audit.partitions import PartitionLogs
from shared.delivery.record import Record
from shared.events import Result
from shared.topics import Topic

log = structlog.get_logger(__name__)


class Auditor:
    """Logs records. `topics` by their names on the cluster, whose id is `cluster`."""

    def __init__(self, logs: PartitionLogs, topics: Mapping[str, Topic]) -> None:
        self.cluster = ""
        self._logs = logs
        self._topics = topics

    async def keep(self, record: Record) -> Result | None:
        """Log the record; return the result that may leave now, if it is what decides a request.

        A record that is delivered again gives the same result again. Raises `UnreadableError` or
        pydantic's `ValidationError` for a record that must become a dead letter, in the log by
        then, and `LogError` if the log does not take it.
        """
        decision: Decision | None = None
        unfit: Exception | None = None
        try:
            # Not in a thread, and nothing is awaited before: records are logged as they are taken.
            decision = fulfil(self._topics[record.topic], record.value, record.headers)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with it, it is logged first
            unfit = error
        partition = await self._logs.open(record.partition)
        appended = await partition.append(self._entry(record, decision))
        if unfit is not None:
            raise unfit
        if decision is None:
            return None
        if not appended.decides:
            log.warning(
                "not the first decision of its request: logged, no second result",
                request_id=decision.request.id,
                request_source=decision.request.source,
                topic=record.topic,
                index=appended.receipt.index,
            )
            return None
        return decision.result(appended.receipt)

    def _entry(self, record: Record, decision: Decision | None) -> Entry:
        return Entry(
            position=Position(
                self.cluster, record.topic, record.partition, record.offset, record.timestamp
            ),
            key=record.key,
            headers=record.headers,
            value=record.value,
            decides=None if decision is None else decision.request,
        )
