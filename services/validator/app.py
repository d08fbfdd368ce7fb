"""answers.drafted → check, route → answers.approved, or a fallback: regenerate, review, refusal.

reviews.proposed → check → reviews.checked: answers that a reviewer has edited (docs/adr/0019).
"""

import asyncio
from contextlib import nullcontext

from services.validator.routing import Route
from services.validator.settings import Settings
from services.validator.validation import validate
from shared import events, topics
from shared.delivery import Service, event_broker
from shared.delivery.run import run
from shared.release import Releases
from shared.releases import ReleaseCatalogue


def build(settings: Settings, releases: Releases | None = None) -> Service:
    """Wire the service. `releases` stands in for the topic `releases`."""
    broker = event_broker(settings)
    catalogue = ReleaseCatalogue(settings)
    known = releases or catalogue
    ways = {
        route: broker.publisher(settings.topic(topic), schema=events.AnswerChecked)
        for route, topic in (
            (Route.APPROVED, topics.ANSWERS_APPROVED),
            (Route.REGENERATE, topics.FALLBACK_REGENERATE),
            (Route.REVIEW, topics.FALLBACK_REVIEW),
            (Route.REFUSAL, topics.FALLBACK_REFUSAL),
        )
    }

    edits = broker.publisher(settings.topic(topics.REVIEWS_CHECKED), schema=events.EditChecked)

    async def judged(draft: events.AnswerDrafted) -> tuple[events.AnswerChecked, Route]:
        release = await known.get(draft.request.release)
        if _characters(draft) > settings.thread_above_characters:
            return await asyncio.to_thread(validate, draft, release)
        return validate(draft, release)

    @broker.subscriber(settings.topic(topics.ANSWERS_DRAFTED))
    async def check(draft: events.AnswerDrafted) -> None:
        checked, route = await judged(draft)
        await ways[route].publish(checked)

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

    lifespan = nullcontext if releases else lambda: catalogue
    return Service("validator", broker, settings, lifespan=lifespan)


def _characters(draft: events.AnswerDrafted) -> int:
    answer = len(draft.answer.text) if draft.answer else 0
    return answer + sum(len(passage.text) for passage in draft.passages)


if __name__ == "__main__":
    run(build(Settings()))
