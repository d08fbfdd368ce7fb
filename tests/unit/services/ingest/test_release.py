from dataclasses import replace
from datetime import UTC, datetime
from math import sqrt

import pytest

from services.ingest.release import Pinned, pinned, place
from shared.events import Canary, RoutingChanged, Shadow

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
CONVERSATIONS = [f"conversation-{number}".encode() for number in range(20_000)]


def routing(percent: float | None = None, shadow: float | None = None) -> RoutingChanged:
    return RoutingChanged(
        revision=1,
        promoted="p" * 64,
        canary=percent and Canary(release="c" * 64, percent=percent, since=NOON),
        shadow=shadow and Shadow(release="s" * 64, percent=shadow, since=NOON),
        operator="ann",
        action="release.canary",
        changed_at=NOON,
    )


def on_canary(percent: float) -> set[bytes]:
    state = routing(percent)
    return {each for each in CONVERSATIONS if pinned(state, "d", each).release == "c" * 64}


@pytest.mark.parametrize("percent", [0.5, 5, 10, 50])
def test_a_canarys_share_is_exact_within_sampling_error(percent: float) -> None:
    share = percent / 100
    error = sqrt(share * (1 - share) / len(CONVERSATIONS))
    assert abs(len(on_canary(percent)) / len(CONVERSATIONS) - share) < 3 * error


def test_a_canary_that_grows_keeps_the_conversations_that_it_has() -> None:
    assert on_canary(1) < on_canary(5) < on_canary(10) < on_canary(100) == set(CONVERSATIONS)


def test_a_conversation_is_answered_by_one_release_however_often_it_asks() -> None:
    state = routing(5)
    for each in CONVERSATIONS[:100]:
        assert len({pinned(state, "d", each) for _ in range(3)}) == 1


def test_each_release_is_tried_on_people_of_its_own() -> None:
    both = sum(place("a" * 64, each) < 10 and place("b" * 64, each) < 10 for each in CONVERSATIONS)
    assert 0.005 < both / len(CONVERSATIONS) < 0.015  # a tenth of a tenth


def test_what_no_canary_answers_is_answered_by_what_is_promoted_or_else_the_default() -> None:
    assert pinned(None, "d", b"k") == Pinned("d")
    assert pinned(routing(), "d", b"k") == Pinned("p" * 64)
    rolled_back = routing().model_copy(update={"promoted": None})
    assert pinned(rolled_back, "d", b"k") == Pinned("d")


def test_a_shadow_gets_copies_and_changes_nothing_of_what_answers() -> None:
    for each in CONVERSATIONS[:200]:
        alone, beside = pinned(routing(30), "d", each), pinned(routing(30, 100), "d", each)
        assert beside == replace(alone, shadow="s" * 64)
    copied = [pinned(routing(None, 25), "d", each).shadow for each in CONVERSATIONS]
    assert abs(copied.count("s" * 64) / len(copied) - 0.25) < 0.01
