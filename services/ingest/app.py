"""requests, documents, feedback → check, normalise, enrich → ….accepted or ….rejected."""

from datetime import timedelta

from services.ingest import documents, feedback, requests
from services.ingest.adapters.kafka_history import KafkaHistory
from services.ingest.arrival import Arrival
from services.ingest.decision import decided
from services.ingest.duplicates import Duplicates
from services.ingest.release import NamedRelease
from services.ingest.settings import IngestSettings
from services.ingest.submission import SubmittedDocument, SubmittedFeedback, SubmittedRequest
from services.ingest.ways import WAYS, Ways
from shared import topics
from shared.delivery import Cause, Service, Source, event_broker, run


def build(settings: IngestSettings) -> Service:
    """Return the service: every submission leaves on exactly one of its topics."""
    broker = event_broker(settings)
    ways = Ways({way.data: broker.publisher(settings.topic(way), schema=way.data) for way in WAYS})
    release, most = NamedRelease(settings.release), settings.record_max_bytes
    window = timedelta(seconds=settings.duplicate_window_seconds)
    asking = {settings.topic(each) for each in (topics.REQUESTS, topics.RETRIES["ingest"])}
    seen = Duplicates(KafkaHistory(settings), window, settings.duplicate_window_requests)

    @broker.subscriber(settings.topic(topics.REQUESTS))
    async def request(data: SubmittedRequest, cause: Cause, record: Source) -> None:
        arrival = Arrival.of(cause, record, settings.default_tenant)
        sighting = arrival.sighting(record.key, record.offset)
        with seen.first(record.partition, sighting) as first:
            if first:
                pinned = release.current()
                decision = await decided(requests.acceptable, data, arrival, pinned, most)
                await ways.publish(decision, arrival)
            else:
                await ways.publish(requests.duplicate(arrival), arrival)

    @broker.subscriber(settings.topic(topics.DOCUMENTS))
    async def document(data: SubmittedDocument, cause: Cause, record: Source) -> None:
        arrival = Arrival.of(cause, record, settings.default_tenant)
        decision = await decided(documents.acceptable, data, arrival, most)
        await ways.publish(decision, arrival, documents.key(decision))

    @broker.subscriber(settings.topic(topics.FEEDBACK))
    async def judgement(data: SubmittedFeedback, cause: Cause, record: Source) -> None:
        arrival = Arrival.of(cause, record, settings.default_tenant)
        decision = await decided(feedback.acceptable, data, arrival, most)
        await ways.publish(decision, arrival)

    async def on_assigned(topic: str, partition: int) -> None:
        if topic in asking:
            await seen.rebuild(partition)

    async def on_revoked(topic: str, partition: int) -> None:
        if topic in asking:
            seen.forget(partition)

    return Service(
        "ingest",
        broker,
        settings,
        on_assigned=on_assigned,
        on_revoked=on_revoked,
        in_order=frozenset({settings.topic(topics.DOCUMENTS)}),
    )


if __name__ == "__main__":
    run(build(IngestSettings()))
