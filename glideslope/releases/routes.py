"""What may become of the routing: each change as a pure function from one state to the next.

RoutingError
├── NothingToDoError    it is so already, or there is nothing to end or to go back to
└── TakenError          the release has another part to play
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from shared.events import Canary, RoutingChanged, Shadow

EARLIER_MAX: Final = 20
"""How many promoted releases can be gone back to."""

UNROUTED: Final = RoutingChanged(
    revision=0, operator="", action="", changed_at=datetime.fromtimestamp(0, UTC)
)
"""Before the first change: everything is answered by each ingest's own GLIDESLOPE_RELEASE."""

Step = Callable[[RoutingChanged, datetime], RoutingChanged]
"""A change: what the state becomes at a moment. Raises `RoutingError`."""


class RoutingError(Exception):
    """The routing cannot be changed as it was asked for."""


class NothingToDoError(RoutingError):
    """The change would change nothing."""


class TakenError(RoutingError):
    """The release is routed already, in another part."""


def promote(release: str) -> Step:
    """Let a release answer everything. A canary ends, and so does a shadow of this release."""

    def step(state: RoutingChanged, _now: datetime) -> RoutingChanged:
        if state.promoted == release and state.canary is None:
            raise NothingToDoError("it is promoted already")
        earlier = state.earlier
        if state.promoted != release:
            earlier = (state.promoted, *state.earlier)[:EARLIER_MAX]
        shadow = state.shadow
        if shadow is not None and shadow.release == release:
            shadow = None
        return state.model_copy(
            update={"promoted": release, "earlier": earlier, "canary": None, "shadow": shadow}
        )

    return step


def roll_back() -> Step:
    """Let the release answer everything that was promoted before. A canary ends."""

    def step(state: RoutingChanged, _now: datetime) -> RoutingChanged:
        if not state.earlier:
            advice = "" if state.canary is None else ": end the canary with `canary --off`"
            raise NothingToDoError(f"nothing was promoted before{advice}")
        return state.model_copy(
            update={"promoted": state.earlier[0], "earlier": state.earlier[1:], "canary": None}
        )

    return step


def canary(release: str, percent: float) -> Step:
    """Let a release answer a share of the conversations; of the canary itself: another share."""

    def step(state: RoutingChanged, now: datetime) -> RoutingChanged:
        if release == state.promoted:
            raise TakenError("it is promoted: it answers everything that no canary does")
        if state.shadow is not None and state.shadow.release == release:
            raise TakenError("it is in shadow: end that first, with `release shadow --off`")
        before = state.canary
        if before is not None and before.release != release:
            raise TakenError(
                f"{before.release} is the canary: promote it, or end it with "
                "`release canary --off`, first"
            )
        if before is not None and before.percent == percent:
            raise NothingToDoError(f"it is the canary at {percent:g} % already")
        since = now if before is None else before.since
        return state.model_copy(
            update={"canary": Canary(release=release, percent=percent, since=since)}
        )

    return step


def end_canary() -> Step:
    """Give its conversations back to the promoted release."""

    def step(state: RoutingChanged, _now: datetime) -> RoutingChanged:
        if state.canary is None:
            raise NothingToDoError("there is no canary")
        return state.model_copy(update={"canary": None})

    return step


def shadow(release: str, percent: float) -> Step:
    """Run a release on copies, beside the one that answers."""

    def step(state: RoutingChanged, now: datetime) -> RoutingChanged:
        if release == state.promoted:
            raise TakenError("it is promoted: it answers already")
        if state.canary is not None and state.canary.release == release:
            raise TakenError("it is the canary: it answers already")
        before = state.shadow
        if before is not None and before.release == release and before.percent == percent:
            raise NothingToDoError(f"it is in shadow at {percent:g} % already")
        since = before.since if before is not None and before.release == release else now
        return state.model_copy(
            update={"shadow": Shadow(release=release, percent=percent, since=since)}
        )

    return step


def end_shadow() -> Step:
    """Make no copies any more."""

    def step(state: RoutingChanged, _now: datetime) -> RoutingChanged:
        if state.shadow is None:
            raise NothingToDoError("there is no release in shadow")
        return state.model_copy(update={"shadow": None})

    return step
