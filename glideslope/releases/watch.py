"""A canary is watched while it runs, and rolled back once it is surely worse."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from pydantic import ValidationError

from glideslope import cluster
from glideslope.releases import change as changes
from glideslope.releases.change import By, OvertakenError
from glideslope.releases.outcomes import Outcomes
from glideslope.releases.routes import NothingToDoError, RoutingError, Step, end_canary
from glideslope.releases.rule import Finding, Rule, WatchSettings
from shared import routing, topics
from shared.cloudevents import UnreadableError
from shared.delivery import Record
from shared.events import RoutingChanged
from shared.topics import Topic

OPERATOR: Final = "release watch"
"""Who rolls back, on the record."""
ACTION: Final = "release.canary_off"
_READ: Final = (
    topics.ANSWERS_APPROVED,
    topics.FALLBACK_REVIEW,
    topics.FALLBACK_REFUSAL,
    topics.DEAD_LETTERS,
    topics.ROUTING,
)


@dataclass(frozen=True, slots=True)
class End:
    """How a watch ended: the canary was `rolled_back`, for `finding`, or `ended` by somebody."""

    outcome: Literal["rolled_back", "ended"]
    canary: str
    routing: RoutingChanged
    finding: Finding | None = None


async def watch(settings: WatchSettings, report: Callable[[Rule], None]) -> End:
    """Follow the canary until it ends, or end it because it is worse.

    It reads what was decided since the canary began, so a watch that is started again goes on
    where it was. `report` is called after each outcome. Raises `NothingToDoError` without a
    canary, and `ClusterError`.
    """
    state = await changes.load(settings)
    if state.canary is None:
        raise NothingToDoError("there is no canary to watch: begin one with `release canary`")
    watched = _Watched(state, state.canary.release, settings)
    async with cluster.reader(settings, *_READ) as reader:
        await reader.start_since(state.canary.since)
        history = [each async for each in reader.to_end()]
        history.sort(key=lambda each: each[1].timestamp)
        for topic, record in history:
            if end := await watched.take(topic, record):
                return end
        report(watched.rule)
        reader.resume()
        async for topic, record in reader.follow():
            if end := await watched.take(topic, record):
                return end
            report(watched.rule)
    raise AssertionError("a reader follows for ever")


class _Watched:
    """A canary under a rule. Whoever changed the routing first has decided."""

    def __init__(self, state: RoutingChanged, canary: str, settings: WatchSettings) -> None:
        self.rule = Rule(canary, state.promoted, settings)
        self._state = state
        self._canary = canary
        self._settings = settings
        self._outcomes = Outcomes(settings)
        self._since = state.canary.since if state.canary else state.changed_at

    async def take(self, topic: Topic, record: Record) -> End | None:
        """Take in a record; return the end of the canary, if it comes to one."""
        if topic is topics.ROUTING:
            return self._moved(record)
        outcome = self._outcomes.add(topic, record)
        if outcome is None or outcome.received_at < self._since:
            return None
        self.rule.add(outcome)
        finding = self.rule.alarm()
        return None if finding is None else await self._roll_back(finding)

    def _moved(self, record: Record) -> End | None:
        try:
            state = routing.read(record)
        except (UnreadableError, ValidationError):
            return None
        if state.revision <= self._state.revision:
            return None
        self._state = state
        if state.canary is not None and state.canary.release == self._canary:
            return None
        return End("ended", self._canary, state)

    async def _roll_back(self, finding: Finding) -> End:
        by = By(OPERATOR, ACTION, f"worse in {finding}", self._canary)
        while True:
            try:
                state = await changes.change(self._settings, _end_of(self._canary), by)
            except OvertakenError:
                continue  # somebody else's change comes first; then it is looked at again
            except RoutingError:
                return End("ended", self._canary, await changes.load(self._settings), finding)
            return End("rolled_back", self._canary, state, finding)


def _end_of(canary: str) -> Step:
    """End the canary, if it is still this one."""

    def step(state: RoutingChanged, now: datetime) -> RoutingChanged:
        if state.canary is None or state.canary.release != canary:
            raise NothingToDoError("it is the canary no longer")
        return end_canary()(state, now)

    return step
