"""requests.accepted, fallback.regenerate → retrieve, generate → answers.drafted."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from services.inference.adapters.documents import DocumentFollower
from services.inference.adapters.models import SettledGenerator
from services.inference.adapters.qdrant import QdrantIndex, index_for
from services.inference.drafting import draft
from services.inference.settings import InferenceSettings
from services.inference.shadow import Shadows
from shared import events, topics
from shared.delivery import Service, event_broker
from shared.delivery.run import run
from shared.metrics import Metrics
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

    async def drafting(
        request: events.RequestAccepted, earlier: events.AnswerChecked | None = None
    ) -> events.AnswerDrafted:
        release = await known.get(request.release)
        return await draft(request, release, passages, generator, earlier=earlier)

    @broker.subscriber(settings.topic(topics.REQUESTS_ACCEPTED))
    async def answer(request: events.RequestAccepted) -> None:
        await drafted.publish(await drafting(request))

    @broker.subscriber(settings.topic(topics.FALLBACK_REGENERATE))
    async def answer_again(checked: events.AnswerChecked) -> None:
        await drafted.publish(await drafting(checked.request, checked))

    shadows = Shadows(drafting, timedelta(seconds=settings.shadow_max_age_seconds))
    shadowed = broker.publisher(settings.topic(topics.SHADOWS_DRAFTED), schema=events.AnswerDrafted)

    @broker.subscriber(settings.topic(topics.SHADOWS_REQUESTED))
    async def shadow(request: events.ShadowRequested) -> None:
        if (copy := await shadows.first(request)) is not None:
            await shadowed.publish(copy)

    @broker.subscriber(settings.topic(topics.SHADOWS_CHECKED))
    async def shadow_again(checked: events.ShadowChecked) -> None:
        if checked.route == "regenerate":
            await shadowed.publish(await shadows.again(checked))

    def measured(metrics: Metrics) -> None:
        generator.measured(metrics)
        shadows.measured(metrics)

    @asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        with passages:
            async with (
                catalogue,
                generator.opened(),
                DocumentFollower(settings, passages).following(),
            ):
                yield

    aside = frozenset(settings.topic(each) for each in topics.SHADOWS)
    return Service("inference", broker, settings, aside=aside, lifespan=lifespan, measured=measured)


if __name__ == "__main__":
    run(build(InferenceSettings()))
