"""every topic → append → results."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.audit.adapters.kafka import cluster_id, was_logged
from services.audit.adapters.stores import Stores
from services.audit.auditor import Auditor
from services.audit.group import GroupLog
from services.audit.log import Log, MissingLogError
from services.audit.partitions import PartitionLogs
from services.audit.settings import AuditSettings
from shared import events, topics
from shared.delivery import Service, Source, event_broker
from shared.delivery.run import run


def build(settings: AuditSettings) -> Service:
    """Return the service: nothing reaches `results` before its decision is in the log."""
    broker = event_broker(settings, raw=True)
    results = broker.publisher(settings.topic(topics.RESULTS), schema=events.Result)
    by_name = {settings.topic(topic): topic for topic in topics.ALL}

    stores = Stores(settings)

    async def open_log(partition: int) -> Log:
        return GroupLog(await asyncio.to_thread(stores.open, partition))

    logs = PartitionLogs(open_log, lock_seconds=settings.audit_lock_seconds)
    auditor = Auditor(logs, by_name)

    @broker.subscriber(*by_name)
    async def audit(record: Source) -> None:
        result = await auditor.keep(record)
        if result is not None:
            await results.publish(result)

    async def on_assigned(topic: str, partition: int) -> None:
        if stores.is_new(partition) and not settings.audit_new_log:
            group = f"{settings.topic_prefix}audit"
            if await was_logged(settings.bootstrap_servers, group, partition):
                origin = f"{settings.deployment}/{partition}"
                raise MissingLogError(origin, str(settings.log_folder(partition)))
        await logs.hold(topic, partition)

    @asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        auditor.cluster = await cluster_id(settings.bootstrap_servers)
        try:
            yield
        finally:
            await logs.close()
            stores.close()

    return Service(
        "audit",
        broker,
        settings,
        on_assigned=on_assigned,
        on_revoked=logs.let_go,
        lifespan=lifespan,
    )


if __name__ == "__main__":
    run(build(AuditSettings()))
