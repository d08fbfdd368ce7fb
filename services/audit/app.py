"""every topic → append → results."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.audit.adapters.kafka import cluster_id
from services.audit.adapters.opening import LogOpener
from services.audit.auditor import Auditor
from services.audit.duties import DUTIES, Duty
from services.audit.partitions import PartitionLogs
from services.audit.settings import AuditSettings
from shared import events, topics
from shared.delivery import Service, Source, event_broker
from shared.delivery.run import start


def build(settings: AuditSettings) -> Service:
    """Return the service: nothing reaches `results` before its decision is in the log."""
    settings = settings.model_copy(update={"max_in_flight": settings.audit_in_flight})
    broker = event_broker(settings, raw=True)
    results = broker.publisher(settings.topic(topics.RESULTS), schema=events.Result)
    by_name = {settings.topic(topic): topic for topic in topics.ALL}
    opener = LogOpener(settings)
    logs = PartitionLogs(opener, lock_seconds=settings.audit_lock_seconds)
    auditor = Auditor(logs, by_name)

    @broker.subscriber(*by_name)
    async def audit(record: Source) -> None:
        result = await auditor.keep(record)
        if result is not None:
            await results.publish(result)

    @asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        auditor.cluster = await cluster_id(settings)
        try:
            yield
        finally:
            await logs.close()
            opener.close()

    return Service(
        "audit",
        broker,
        settings,
        on_assigned=logs.hold,
        on_revoked=logs.let_go,
        lifespan=lifespan,
        ready=logs.problem,
        unhurried=frozenset(n for n, t in by_name.items() if DUTIES[t] is not Duty.DECIDE),
        by_key=False,  # a log keeps the order of its partition's records, and so that of each key
    )


if __name__ == "__main__":
    start("audit", build, AuditSettings)
