"""requests, documents, feedback → check, normalise, enrich → ….accepted or ….rejected."""

from datetime import timedelta

from services.ingest.adapters.kafka_history import HISTORY, KafkaHistory
from services.ingest.adapters.kafka_routing import KafkaRouting
from services.ingest.duplicates import Duplicates
from services.ingest.intake import Intake
from services.ingest.release import Releases
from services.ingest.settings import IngestSettings
from services.ingest.submission import SubmittedDocument, SubmittedFeedback, SubmittedRequest
from services.ingest.ways import WAYS, Ways
from shared import topics
from shared.delivery import Cause, Service, Source, event_broker
from shared.delivery.run import start


def build(settings: IngestSettings, releases: Releases | None = None) -> Service:
    """Return the service: every submission leaves on exactly one of its topics.

    `releases` stands in for those that the topic `routing` names.
    """
    broker = event_broker(settings)
    ways = Ways({way.data: broker.publisher(settings.topic(way), schema=way.data) for way in WAYS})
    window = timedelta(seconds=settings.duplicate_window_seconds)
    seen = Duplicates(KafkaHistory(settings), window, settings.duplicate_window_requests)
    routing = KafkaRouting(settings, settings.release)
    intake = Intake(
        ways, seen, releases or routing, settings.default_tenant, settings.record_max_bytes
    )

    @broker.subscriber(settings.topic(topics.REQUESTS))
    async def request(data: SubmittedRequest, cause: Cause, record: Source) -> None:
        await intake.request(data, cause, record)

    @broker.subscriber(settings.topic(topics.DOCUMENTS))
    async def document(data: SubmittedDocument, cause: Cause, record: Source) -> None:
        await intake.document(data, cause, record)

    @broker.subscriber(settings.topic(topics.FEEDBACK))
    async def judgement(data: SubmittedFeedback, cause: Cause, record: Source) -> None:
        await intake.feedback(data, cause, record)

    asking = {settings.topic(each) for each in (topics.REQUESTS, topics.RETRIES["ingest"])}

    async def on_assigned(topic: str, partition: int) -> None:
        if topic in asking:
            await seen.rebuild(partition)

    async def on_revoked(topic: str, partition: int) -> None:
        if topic in asking:
            seen.forget(partition)

    ordered = frozenset({settings.topic(topics.DOCUMENTS)})
    return Service(
        "ingest",
        broker,
        settings,
        on_assigned,
        on_revoked,
        in_order=ordered,
        lifespan=routing.following,
        measured=intake.measured,
        reads=frozenset({topics.ROUTING, *HISTORY}),
    )


if __name__ == "__main__":
    start("ingest", build, IngestSettings)
