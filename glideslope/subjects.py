"""Word that a person was erased, for every service that keeps content in the clear."""

import json
from datetime import UTC, datetime
from uuid import uuid4

from glideslope import cluster
from shared import topics
from shared.cloudevents import Event
from shared.events import SubjectErased
from shared.settings import Settings


async def tell_erased(settings: Settings, tenant: str, subject: str) -> None:
    """Publish it; it is with the brokers when this returns. It may be said again at any time.

    The event is the tenant's: with the person as its subject it would be logged under a new key of
    theirs. Raises `UnreachableError` and `TopicsMissingError`.
    """
    await cluster.partitions_of(settings, topics.SUBJECTS_ERASED)
    event = Event(
        id=str(uuid4()),
        type=topics.SUBJECTS_ERASED.event_type,
        source=cluster.SOURCE,
        data=SubjectErased(tenant=tenant, subject=subject).model_dump_json().encode(),
        time=datetime.now(UTC).isoformat(),
        extensions={"tenant": tenant},
    )
    async with cluster.producer(settings) as producer:
        await producer.send_and_wait(
            settings.topic(topics.SUBJECTS_ERASED),
            key=json.dumps([tenant, subject]).encode(),
            value=event.data,
            headers=event.headers(),
        )
