"""The questions of an evaluation set, answered now by several releases on the running pipeline.

Each release gets a copy of each question, as a release in shadow does: the services that answer
people answer it, from the same index and with the same models and checks, and nobody gets the
answer. Nothing here answers or judges by itself.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from evals.sets import SetError, read
from glideslope import cluster
from glideslope.cluster import SOURCE
from glideslope.releases.outcomes import Outcome, copied
from services.ingest.arrival import Arrival
from services.ingest.requests import acceptable, shadow
from shared import topics
from shared.cloudevents import Event
from shared.delivery import Record
from shared.events import RequestAccepted, RequestRejected
from shared.settings import Settings

IN_FLIGHT: Final = 16
"""Copies under way at once: few, since old ones are dropped, and people are answered beside."""
_OWN: Final = ("id", "group", "tenant")
"""Fields of a row that are no part of the question."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question of a set. Those of one `group` are not independent of each other."""

    group: str
    request: RequestAccepted


@dataclass(slots=True)
class Tried:
    """What each release made of each question: by release, question number → outcome."""

    outcomes: dict[str, dict[int, Outcome]] = field(default_factory=dict)

    def pairs(self, one: str, other: str) -> list[tuple[int, Outcome, Outcome]]:
        """Return the numbers of the questions that both have ended, with both outcomes."""
        first, second = self.outcomes.get(one, {}), self.outcomes.get(other, {})
        return [(n, first[n], second[n]) for n in sorted(first.keys() & second.keys())]


def are_questions(path: Path) -> bool:
    """Say whether a file of JSON Lines has questions without answers. Raises `SetError`."""
    return next(("answer" not in row for _, row in read(path)), False)


def load(path: Path, settings: Settings) -> list[Question]:
    """Read a set of questions: rows as on the topic `requests`, and `id`, `group`, `tenant`.

    Each is held to what ingest holds requests to. Raises `SetError`.
    """
    return [_question(path, number, row, settings) for number, row in read(path)]


async def tried(
    settings: Settings,
    questions: Sequence[Question],
    releases: Sequence[str],
    *,
    patience: float,
    progressed: Callable[[int], None] = lambda _: None,
) -> Tried:
    """Have each release answer each question; `progressed` is told how many have ended.

    Ends early when nothing has come for `patience` seconds; what has no end is in no outcome.
    Raises `UnreachableError` and `TopicsMissingError`.
    """
    trial = _Trial(settings, f"{SOURCE}/trial/{uuid4().hex}")
    waiting = [(number, release) for number in range(len(questions)) for release in releases]
    found = Tried({release: {} for release in releases})
    under_way: set[tuple[int, str]] = set()
    async with (
        cluster.reader(settings, topics.SHADOWS_CHECKED, start="end") as reader,
        cluster.producer(settings) as producer,
    ):
        ends = cluster.patient(reader.follow(), patience)
        while waiting or under_way:
            while waiting and len(under_way) < IN_FLIGHT:
                number, release = waiting.pop(0)
                key, event = trial.copy(number, questions[number].request, release)
                await producer.send_and_wait(
                    settings.topic(topics.SHADOWS_REQUESTED),
                    key=key,
                    value=event.data,
                    headers=event.headers(),
                )
                under_way.add((number, release))
            end = await anext(ends, None)
            if end is None:
                break
            if (which := trial.ended(end[1], found)) is not None:
                under_way.discard(which)
                progressed(sum(map(len, found.outcomes.values())))
    return found


class _Trial:
    """One run: what is sent, and what of all that comes is its own."""

    def __init__(self, settings: Settings, source: str) -> None:
        self._settings = settings
        self._source = source

    def copy(self, number: int, request: RequestAccepted, release: str) -> tuple[bytes, Event]:
        """Return the record of a question for one release: key and event."""
        named = request.model_copy(
            update={
                "request_id": str(number),
                "request_source": self._source,
                "received_at": datetime.now(UTC),
            }
        )
        copy = shadow(named, release)
        event = Event(
            id=str(uuid4()),
            type=topics.SHADOWS_REQUESTED.event_type,
            source=self._source,
            data=copy.model_dump_json().encode(),
            time=copy.received_at.isoformat(),
            extensions={"tenant": copy.tenant},
        )
        return event.id.encode(), event

    def ended(self, record: Record, found: Tried) -> tuple[int, str] | None:
        """Note what a copy has come to; None where the record is no end of one of ours."""
        copy, outcome = copied(record)
        request = copy.request
        if request.request_source != self._source or copy.route == "regenerate":
            return None
        number = int(request.request_id)
        found.outcomes[request.release][number] = outcome
        return number, request.release


def _question(path: Path, number: int, row: Mapping[str, Any], settings: Settings) -> Question:
    now = datetime.now(UTC)
    arrival = Arrival(
        id=str(number),
        source=SOURCE,
        claimed_tenant=row.get("tenant"),
        default_tenant=settings.default_tenant,
        size=0,
        received_at=now,
        now=now,
    )
    told = {name: value for name, value in row.items() if name not in _OWN}
    found = acceptable(told, arrival, "", topics.REQUESTS.max_bytes)
    if isinstance(found, RequestRejected):
        raise SetError(f"{path}, line {number}: {found.message.removesuffix(_NEW_ID)}")
    return Question(str(row.get("group", row.get("id", number))), found)


_NEW_ID: Final = " (under a new id: this one is used up)"
