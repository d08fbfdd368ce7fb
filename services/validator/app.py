"""answers.drafted → check, route → answers.approved, or a fallback: regenerate, review, refusal.

reviews.proposed → check → reviews.checked: answers that a reviewer has edited (docs/adr/0019).
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext

from services.validator.adapters.openai import Judges
from services.validator.checks import CHECKS
from services.validator.judge import with_judge
from services.validator.routing import Route
from services.validator.settings import Settings
from services.validator.validation import case_of, prepare, validate
from shared import events, topics
from shared.delivery import Service, event_broker
from shared.delivery.run import start
from shared.release import Releases
from shared.releases import ReleaseCatalogue


def build(settings: Settings, releases: Releases | None = None) -> Service:
    """Wire the service. `releases` stands in for the topic `releases`."""
    broker = event_broker(settings)
    catalogue = ReleaseCatalogue(settings)
    known = releases or catalogue
    judges = judges_of(settings)
    ways = {
        route: broker.publisher(settings.topic(topic), schema=events.AnswerChecked)
        for route, topic in (
            (Route.APPROVED, topics.ANSWERS_APPROVED),
            (Route.REGENERATE, topics.FALLBACK_REGENERATE),
            (Route.REVIEW, topics.FALLBACK_REVIEW),
            (Route.REFUSAL, topics.FALLBACK_REFUSAL),
        )
    }

    shadowed = broker.publisher(settings.topic(topics.SHADOWS_CHECKED), schema=events.ShadowChecked)
    edits = broker.publisher(settings.topic(topics.REVIEWS_CHECKED), schema=events.EditChecked)

    async def judged(draft: events.AnswerDrafted) -> tuple[events.AnswerChecked, Route]:
        release = await known.get(draft.request.release)
        case = case_of(draft, release)
        checks = CHECKS if case is None else await with_judge(CHECKS, case, judges)
        if _characters(draft) > settings.thread_above_characters:
            return await asyncio.to_thread(validate, draft, release, checks)
        return validate(draft, release, checks)

    @broker.subscriber(settings.topic(topics.ANSWERS_DRAFTED))
    async def check(draft: events.AnswerDrafted) -> None:
        checked, route = await judged(draft)
        await ways[route].publish(checked)

    @broker.subscriber(settings.topic(topics.SHADOWS_DRAFTED))
    async def check_shadow(draft: events.AnswerDrafted) -> None:
        checked, route = await judged(draft)
        await shadowed.publish(events.ShadowChecked(**dict(checked), route=route.name.lower()))

    @broker.subscriber(settings.topic(topics.REVIEWS_PROPOSED))
    async def check_edit(edit: events.EditProposed) -> None:
        checked, _ = await judged(edit)
        await edits.publish(
            events.EditChecked(
                proposal=edit.proposal,
                request_id=edit.request.request_id,
                request_source=edit.request.request_source,
                checks=checked.checks,
                confidence=checked.confidence,
            )
        )

    @asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        prepare()
        async with judges.opened(), nullcontext() if releases else catalogue:
            yield

    aside = frozenset(settings.topic(each) for each in topics.SHADOWS)
    return Service(
        "validator",
        broker,
        settings,
        aside=aside,
        lifespan=lifespan,
        reads=frozenset({topics.RELEASES}),
    )


def judges_of(settings: Settings) -> Judges:
    """Return where the judges are asked that releases may name."""
    return Judges(settings.judges)


def _characters(draft: events.AnswerDrafted) -> int:
    answer = len(draft.answer.text) if draft.answer else 0
    return answer + sum(len(passage.text) for passage in draft.passages)


if __name__ == "__main__":
    start("validator", build, Settings)
