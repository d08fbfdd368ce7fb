"""requests.accepted, fallback.regenerate → retrieve, generate → answers.drafted."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from faststream.kafka import KafkaBroker

from services.inference.adapters.documents import GROUP
from services.inference.adapters.indexes import KeptIndexes
from services.inference.adapters.models import SettledGenerator
from services.inference.adapters.qdrant import store_for
from services.inference.drafting import draft
from services.inference.retrieval import Indexes, Retrieval
from services.inference.settings import InferenceSettings
from services.inference.shadow import Shadows
from services.inference.store import Store
from shared import events, topics
from shared.delivery import Service, event_broker
from shared.delivery.run import start
from shared.metrics import Metrics
from shared.release import Releases
from shared.releases import ReleaseCatalogue


def build(
    settings: InferenceSettings,
    *,
    store: Store | None = None,
    indexes: Indexes | None = None,
    releases: Releases | None = None,
) -> Service:
    """Wire the service. `indexes` and `releases` stand in for those that follow Kafka."""
    broker = event_broker(settings)
    catalogue = ReleaseCatalogue(settings)
    known = releases or catalogue
    generator = SettledGenerator(settings)
    kept = KeptIndexes(settings, store or store_for(settings), generator.embedding)
    retrieval = Retrieval(
        indexes or kept,
        generator.embedding,
        generator.reranking,
        seconds=settings.retrieval_seconds,
    )
    drafted = broker.publisher(settings.topic(topics.ANSWERS_DRAFTED), schema=events.AnswerDrafted)

    async def drafting(
        request: events.RequestAccepted, earlier: events.AnswerChecked | None = None
    ) -> events.AnswerDrafted:
        release = await known.get(request.release)
        return await draft(request, release, retrieval, generator, earlier=earlier)

    @broker.subscriber(settings.topic(topics.REQUESTS_ACCEPTED))
    async def answer(request: events.RequestAccepted) -> None:
        await drafted.publish(await drafting(request))

    @broker.subscriber(settings.topic(topics.FALLBACK_REGENERATE))
    async def answer_again(checked: events.AnswerChecked) -> None:
        await drafted.publish(await drafting(checked.request, checked))

    shadows = Shadows(drafting, timedelta(seconds=settings.shadow_max_age_seconds))
    _answer_copies(broker, settings, shadows)

    @asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        async with catalogue, generator.opened(), kept.following(catalogue):
            yield

    def measured(metrics: Metrics) -> None:
        for each in (generator, retrieval, kept, shadows):
            each.measured(metrics)

    return Service(
        "inference",
        broker,
        settings,
        aside=frozenset(settings.topic(each) for each in topics.SHADOWS),
        lifespan=lifespan,
        ready=kept.not_ready,
        measured=measured,
        reads=frozenset({topics.RELEASES, topics.DOCUMENTS_ACCEPTED}),
        groups=frozenset({GROUP}),
    )


def _answer_copies(broker: KafkaBroker, settings: InferenceSettings, shadows: Shadows) -> None:
    shadowed = broker.publisher(settings.topic(topics.SHADOWS_DRAFTED), schema=events.AnswerDrafted)

    @broker.subscriber(settings.topic(topics.SHADOWS_REQUESTED))
    async def shadow(request: events.ShadowRequested) -> None:
        if (copy := await shadows.first(request)) is not None:
            await shadowed.publish(copy)

    @broker.subscriber(settings.topic(topics.SHADOWS_CHECKED))
    async def shadow_again(checked: events.ShadowChecked) -> None:
        if checked.route == "regenerate":
            await shadowed.publish(await shadows.again(checked))


if __name__ == "__main__":
    start("inference", build, InferenceSettings)
