from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from services.review.item import Risk, due_at, item_id, payload_hash, risk_of, soon_at
from services.review.terms import Terms
from shared.events import AnswerChecked, Screened
from shared.release import BUILT_IN, ReviewRules

NOW = datetime(2030, 1, 1, tzinfo=UTC)
Waiting = Callable[..., AnswerChecked]


@pytest.mark.parametrize(
    ("failed", "risk"), [(0, Risk.LOW), (1, Risk.NORMAL), (2, Risk.HIGH), (5, Risk.HIGH)]
)
def test_the_more_checks_failed_the_sooner_a_person_looks(
    waiting: Waiting, failed: int, risk: Risk
) -> None:
    assert risk_of(waiting(failed=failed)) is risk


def test_what_looks_like_an_attack_is_of_high_risk(waiting: Waiting) -> None:
    checked = waiting(failed=0)
    screened = Screened(score=0.9, reasons=("it gives instructions",))
    request = checked.request.model_copy(update={"screening": screened})
    assert risk_of(checked.model_copy(update={"request": request})) is Risk.HIGH


def test_the_release_sets_the_time_and_an_earlier_deadline_wins(waiting: Waiting) -> None:
    within = Terms().within
    rules = ReviewRules(within_seconds=60)
    assert due_at(waiting(), NOW, within, ReviewRules()) == NOW + timedelta(hours=4)
    assert due_at(waiting(), NOW, within, rules) == NOW + timedelta(minutes=1)
    early = waiting(deadline=NOW + timedelta(seconds=30))
    assert due_at(early, NOW, within, rules) == NOW + timedelta(seconds=30)
    passed = waiting(deadline=NOW - timedelta(seconds=30))
    assert due_at(passed, NOW, within, rules) == NOW


def test_an_item_is_due_soon_in_the_last_quarter_of_its_time() -> None:
    assert soon_at(NOW, NOW + timedelta(hours=4)) == NOW + timedelta(hours=3)


def test_items_of_two_senders_with_one_request_id_are_two() -> None:
    assert item_id("/one", "1") != item_id("/two", "1")
    assert item_id("/one", "1") == item_id("/one", "1")


def test_the_payloads_hash_is_that_of_the_records_bytes() -> None:
    assert payload_hash(b"{}") == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"


def test_a_release_that_asks_nothing_of_reviews_keeps_its_name() -> None:
    asking = BUILT_IN.model_copy(update={"review": ReviewRules(four_eyes=True)})
    assert BUILT_IN.content_hash() != asking.content_hash()
    assert "review" not in BUILT_IN.model_dump(mode="json", exclude_none=True)
