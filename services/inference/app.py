"""requests.accepted, fallback.regenerate → retrieve, generate → answers.drafted."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.inference.adapters.documents import DocumentFollower
from services.inference.adapters.models import SettledGenerator
from services.inference.adapters.qdrant import QdrantIndex, index_for
from services.inference.drafting import draft
from services.inference.settings import InferenceSettings
from shared import events, topics
from shared.delivery import Service, event_broker
from shared.delivery.run import run
from shared.release import Releases
from shared.releases import ReleaseCatalogue


def build(
    settings: InferenceSettings,
    index: QdrantIndex | None = None,
    releases: Releases | None = None,
) -> Service:
    """Wire the service. `index` and `releases` stand in for those that follow Kafka."""
    broker = event_broker(settings)
    catalogue = ReleaseCatalogue(settings)
    known = releases or catalogue
    passages = index or index_for(settings)
    generator = SettledGenerator(settings)
    drafted = broker.publisher(settings.topic(topics.ANSWERS_DRAFTED), schema=events.AnswerDrafted)

    @broker.subscriber(settings.topic(topics.REQUESTS_ACCEPTED))
    async def answer(request: events.RequestAccepted) -> None:
        release = await known.get(request.release)
        await drafted.publish(await draft(request, release, passages, generator))

    @broker.subscriber(settings.topic(topics.FALLBACK_REGENERATE))
    async def answer_again(checked: events.AnswerChecked) -> None:
        release = await known.get(checked.request.release)
        request = checked.request
        await drafted.publish(await draft(request, release, passages, generator, earlier=checked))

    @asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        with passages:
            async with (
                catalogue,
                generator.opened(),
                DocumentFollower(settings, passages).following(),
            ):
                yield

    return Service("inference", broker, settings, lifespan=lifespan, measured=generator.measured)


if __name__ == "__main__":
    run(build(InferenceSettings()))
