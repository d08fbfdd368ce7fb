from datetime import UTC, datetime, timedelta

import pytest

from glideslope.releases import routes
from glideslope.releases.routes import EARLIER_MAX, UNROUTED, NothingToDoError, Step, TakenError
from shared.events import RoutingChanged

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)


def after(*steps: Step) -> RoutingChanged:
    state = UNROUTED
    for step in steps:
        state = step(state, NOON)
    return state


def test_a_rollback_returns_to_what_was_promoted_before_and_at_last_to_nothing() -> None:
    state = after(routes.promote("a"), routes.promote("b"), routes.promote("c"))
    assert state.promoted == "c"
    for expected in ("b", "a", None):
        state = routes.roll_back()(state, NOON)
        assert state.promoted == expected
    with pytest.raises(NothingToDoError, match="nothing was promoted before"):
        routes.roll_back()(state, NOON)


def test_what_was_rolled_back_is_not_returned_to() -> None:
    steps = [routes.promote("a"), routes.promote("b"), routes.roll_back(), routes.promote("c")]
    state = after(*steps, routes.roll_back())
    assert state.promoted == "a"


def test_a_rollback_and_a_promotion_end_the_canary() -> None:
    trial = (routes.promote("a"), routes.promote("b"), routes.canary("c", 5))
    assert after(*trial, routes.roll_back()).canary is None
    promoted = after(*trial, routes.promote("c"))
    assert (promoted.promoted, promoted.canary, promoted.earlier[0]) == ("c", None, "b")


def test_promoting_what_is_promoted_ends_a_canary_and_is_refused_without_one() -> None:
    state = after(routes.promote("a"), routes.canary("b", 5), routes.promote("a"))
    assert (state.promoted, state.canary, state.earlier) == ("a", None, (None,))
    with pytest.raises(NothingToDoError):
        routes.promote("a")(state, NOON)


def test_a_canary_that_grows_keeps_its_beginning() -> None:
    state = routes.canary("b", 10)(after(routes.canary("b", 5)), LATER)
    assert state.canary is not None
    assert (state.canary.percent, state.canary.since) == (10, NOON)


def test_a_shadow_ends_when_its_release_is_promoted_and_no_other_way() -> None:
    state = after(routes.shadow("b", 100), routes.promote("a"), routes.promote("c"))
    assert state.shadow is not None
    assert routes.promote("b")(state, NOON).shadow is None


@pytest.mark.parametrize(
    ("before", "step"),
    [
        ([routes.promote("a")], routes.canary("a", 5)),
        ([routes.promote("a")], routes.shadow("a", 100)),
        ([routes.canary("b", 5)], routes.canary("c", 5)),
        ([routes.canary("b", 5)], routes.shadow("b", 100)),
        ([routes.shadow("b", 100)], routes.canary("b", 5)),
        ([routes.canary("b", 5)], routes.canary("b", 5)),
        ([routes.shadow("b", 50)], routes.shadow("b", 50)),
        ([], routes.end_canary()),
        ([], routes.end_shadow()),
    ],
)
def test_what_makes_no_sense_is_refused(before: list[Step], step: Step) -> None:
    with pytest.raises((TakenError, NothingToDoError)):
        step(after(*before), NOON)


def test_only_so_many_releases_can_be_gone_back_to() -> None:
    state = after(*(routes.promote(str(number)) for number in range(50)))
    assert len(state.earlier) == EARLIER_MAX
    assert state.earlier[0] == "48"
