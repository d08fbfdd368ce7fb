"""Records of the topics, handed to the queue with what their release asks of reviews."""

from datetime import UTC, datetime

import structlog
from pydantic import ValidationError

from services.review.arrivals import Arrivals
from services.review.item import Arrival, rules_of
from shared import cloudevents, topics
from shared.cloudevents import Event, UnreadableError
from shared.delivery.record import Record
from shared.events import AnswerChecked, EditChecked, ReviewDecided, SubjectErased
from shared.release import Releases, UnknownReleaseError
from shared.topics import Topic

log = structlog.get_logger(__name__)


class Intake:
    """Takes records as events. Every one of its methods may be called again with the same."""

    def __init__(self, arrivals: Arrivals, releases: Releases) -> None:
        self._arrivals = arrivals
        self._releases = releases

    async def waits(self, checked: AnswerChecked, event: Event, record: Record) -> None:
        """Have an answer wait for a person. Raises `UnknownReleaseError`."""
        rules = rules_of(await self._releases.get(checked.request.release))
        await self._arrivals.put(_arrival(event, record), checked, rules)

    async def decided(self, decided: ReviewDecided, event: Event, record: Record) -> None:
        """Close what was decided, here or elsewhere. Raises `UnknownReleaseError`."""
        rules = rules_of(await self._releases.get(decided.item.request.release))
        await self._arrivals.close(_arrival(event, record), decided, rules)

    async def erased(self, erased: SubjectErased, record: Record) -> None:
        """Forget what a person asked before they were erased."""
        count = await self._arrivals.erase(erased, _at(record))
        log.info("a person was erased", items=count)

    async def checked(self, edit: EditChecked) -> None:
        """Keep what the checks say of an edit."""
        await self._arrivals.checked(edit.proposal, edit.checks)

    async def closed(self, record: Record) -> None:
        """Take note of a record of `reviews.decided`, as it was fetched; one that is unfit is none.

        It becomes a dead letter when it is consumed.
        """
        await self.replay(topics.REVIEWS_DECIDED, record)

    async def replay(self, topic: Topic, record: Record) -> None:
        """Take a record that was read from its topic's beginning; one that is unfit is left out.

        It became a dead letter when it was consumed.
        """
        position = f"{record.topic}-{record.partition}-{record.offset}"
        try:
            event = cloudevents.read(record.value, record.headers)
            if topic is topics.REVIEWS_DECIDED:
                await self.decided(ReviewDecided.model_validate_json(event.data), event, record)
                return
            if topic is topics.SUBJECTS_ERASED:
                await self.erased(SubjectErased.model_validate_json(event.data), record)
                return
            checked = AnswerChecked.model_validate_json(event.data)
            if topic is topics.FALLBACK_REGENERATE:
                await self._arrivals.sent_back(checked)
            else:
                await self.waits(checked, event, record)
        except (UnreadableError, UnknownReleaseError, ValidationError) as error:
            # the error's own text can hold the record's content
            log.warning("left out of the queue", position=position, error=type(error).__name__)


def _arrival(event: Event, record: Record) -> Arrival:
    return Arrival(event, record.partition, record.offset, record.key, _at(record))


def _at(record: Record) -> datetime:
    return datetime.fromtimestamp(record.timestamp / 1000, UTC)
