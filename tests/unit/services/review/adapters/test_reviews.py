"""The queue, over SQLite and over PostgreSQL alike."""

import asyncio
import random
import re
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from services.review.adapters.arrivals import SqlArrivals
from services.review.adapters.database import Database
from services.review.adapters.figures import Figures
from services.review.adapters.outbox import OvertakenError, SqlOutbox, partitions_due
from services.review.adapters.retention import Retention
from services.review.adapters.reviews import SqlReviews
from services.review.adapters.tables import metadata
from services.review.decision import Judgement, Kind
from services.review.errors import (
    ChangedError,
    HeldError,
    NotAllowedError,
    NotHeldError,
    NotOpenError,
    PublishedError,
    ReviewError,
    UncheckedError,
    UnfitDecisionError,
    UnknownItemError,
)
from services.review.identity import Identity, Role
from services.review.item import Alarm, Arrival, Item, Risk, Status
from services.review.queue import Filter, Order, Refusal
from shared import events
from shared.delivery.record import Output
from shared.events import AnswerChecked, ReviewDecided, Verdict
from shared.metrics import Exposition
from shared.release import ReviewRules
from shared.settings import Settings

Person = Callable[..., Identity]
Put = Callable[..., Awaitable[Item]]
NO_RULES = ReviewRules()


@pytest.fixture
def put(  # noqa: PLR0913, PLR0917 - fixtures
    arrivals: SqlArrivals,
    reviews: SqlReviews,
    waiting: Callable[..., AnswerChecked],
    arrival: Callable[..., Arrival],
    id_of: Callable[..., str],
    person: Person,
    clock: Callable[[], datetime],
) -> Put:
    async def put(
        name: str = "1",
        *,
        rules: ReviewRules = NO_RULES,
        offset: int = 0,
        partition: int = 0,
        **changed: Any,
    ) -> Item:
        checked = waiting(name, **changed)
        came = arrival(checked, clock(), offset=offset, partition=partition)
        await arrivals.put(came, checked, rules)
        everybody = person("anybody", Role.AUDITOR, tenants=("*",))
        return await reviews.get(everybody, id_of(name))

    return put


async def published(
    database: Database, clock: Callable[[], datetime], partition: int = 0
) -> list[Output]:
    """Publish what is due, as a relay would."""
    box = SqlOutbox(database, partition, lambda name: name, clock)
    await box.begin()
    found: list[Output] = []
    while (batch := await box.take()) is not None:
        found += batch[1]
        await box.published(batch[0] + 1)
    return found


def approval(item: Item, token: int) -> Judgement:
    return Judgement(Kind.APPROVED, item.payload, token)


@pytest.mark.parametrize("template", ["sqlite", "postgresql"], indirect=True)
async def test_the_migrations_make_the_tables_that_the_queries_are_written_for(
    database: Database,
) -> None:
    async with database.writing() as connection:
        differences = await connection.run_sync(
            lambda each: compare_metadata(MigrationContext.configure(each), metadata)
        )
    assert differences == []


async def test_opening_a_database_again_keeps_what_is_in_it(
    url: str, put: Put, person: Person
) -> None:
    item = await put()
    again = Database(url)
    await again.open()
    assert (await SqlReviews(again).get(person("ann"), item.id)).checked == item.checked
    await again.close()


async def test_a_redelivered_record_makes_no_second_item(
    reviews: SqlReviews, put: Put, person: Person
) -> None:
    first = await put()
    again = await put()
    assert again == first
    assert (await reviews.page(person("ann"))).total == 1


async def test_a_record_that_says_something_else_replaces_what_waits_and_ends_the_claim(
    reviews: SqlReviews, put: Put, person: Person
) -> None:
    ann = person("ann")
    seen = await put()
    claim = await reviews.claim(ann, seen.id)
    await put(answer="It was 13 million.", offset=7)
    with pytest.raises(NotHeldError):
        await reviews.decide(ann, seen.id, approval(seen, claim.token))
    claim = await reviews.claim(ann, seen.id)
    with pytest.raises(ChangedError):
        await reviews.decide(ann, seen.id, approval(seen, claim.token))
    now = await reviews.get(ann, seen.id)
    assert now.checked.answer is not None
    assert now.checked.answer.text == "It was 13 million."


async def test_an_older_record_does_not_replace_a_newer_one(put: Put) -> None:
    await put(answer="The newer.", offset=7)
    item = await put(answer="The older.", offset=3)
    assert item.checked.answer is not None
    assert item.checked.answer.text == "The newer."


async def test_the_earliest_due_come_first_and_of_two_the_riskier(
    reviews: SqlReviews, put: Put, person: Person, clock: Any
) -> None:
    soon = clock() + timedelta(minutes=10)
    await put("low", failed=0)
    await put("normal", failed=1)
    await put("high", failed=2)
    await put("deadline", failed=0, deadline=soon)
    await put("risky deadline", failed=2, deadline=soon)
    page = await reviews.page(person("ann"))
    assert [each.request_id for each in page.items] == [
        "risky deadline",
        "deadline",
        "high",
        "normal",
        "low",
    ]


async def test_a_list_is_filtered_sorted_and_cut(
    reviews: SqlReviews, put: Put, person: Person, clock: Any
) -> None:
    ann = person("ann")
    for n in range(5):
        await put(f"item-{n}", question=f"What of {'100%' if n % 2 else 'nothing'}?", failed=n % 3)
        clock.forward(minutes=1)
    assert (await reviews.page(ann, Filter(text="100%"))).total == 2
    assert (await reviews.page(ann, Filter(text="ITEM-4"))).total == 1
    assert (await reviews.page(ann, Filter(text="%"))).total == 2
    assert (await reviews.page(ann, Filter(risk=Risk.HIGH))).total == 1
    page = await reviews.page(ann, order=Order.NEWEST, offset=1, limit=2)
    assert [each.request_id for each in page.items] == ["item-3", "item-2"]
    assert page.total == 5


async def test_counts_say_what_waits_and_how_late_it_is(
    reviews: SqlReviews, put: Put, person: Person, clock: Any
) -> None:
    ann = person("ann", tenants=("acme", "blue"))
    await put("1", failed=2)  # due within the hour
    await put("2", tenant="blue")  # within four
    await put("3", tenant="other")
    await reviews.claim(ann, (await put("1", failed=2)).id)
    counts = await reviews.counts(ann)
    assert (counts.open, counts.free, counts.mine) == (2, 1, 1)
    assert counts.by_tenant == {"acme": 1, "blue": 1}
    clock.forward(minutes=50)
    assert (await reviews.counts(ann)).due_soon == 1
    clock.forward(minutes=20)
    assert (await reviews.counts(ann)).overdue == 1
    late = await reviews.page(ann, Filter(alarm=Alarm.OVERDUE))
    assert [each.alarm for each in late.items] == [Alarm.OVERDUE]


async def test_nothing_of_another_tenant_is_ever_seen_or_touched(
    reviews: SqlReviews, put: Put, person: Person, clock: Any
) -> None:
    mallory = person("mallory", Role.LEAD, tenants=("blue",))
    item = await put()
    judgement = approval(item, 0)
    tries: list[Awaitable[object]] = [
        reviews.get(mallory, item.id),
        reviews.history(mallory, item.id),
        reviews.opinions(mallory, item.id),
        reviews.similar(mallory, item.id),
        reviews.claim(mallory, item.id),
        reviews.renew(mallory, item.id, 0),
        reviews.release(mallory, item.id, 0),
        reviews.hand_over(mallory, item.id, 0, to="mallory"),
        reviews.snooze(mallory, item.id, 0, until=clock() + timedelta(hours=1)),
        reviews.propose(mallory, item.id, 0, "mine"),
        reviews.proposal(mallory, item.id, "any"),
        reviews.decide(mallory, item.id, judgement),
        reviews.undo(mallory, item.id, "any"),
    ]
    for each in tries:
        with pytest.raises(UnknownItemError):
            await each
    assert (await reviews.page(mallory)).total == 0
    assert (await reviews.page(mallory, Filter(tenant="acme"))).total == 0
    assert (await reviews.counts(mallory)).open == 0
    assert await reviews.claim_next(mallory) is None
    refused = await reviews.reject_all(
        mallory, [Refusal(item.id, item.payload)], reason="", note="mine"
    )
    assert "no item" in str(refused[item.id])


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.OPERATOR])
async def test_who_only_looks_cannot_claim(
    reviews: SqlReviews, put: Put, person: Person, role: Role
) -> None:
    item = await put()
    with pytest.raises(NotAllowedError, match="reviewer or lead"):
        await reviews.claim(person("eve", role), item.id)


async def test_the_second_reviewer_of_an_item_is_told_who_has_it(
    reviews: SqlReviews, put: Put, person: Person
) -> None:
    item = await put()
    await reviews.claim(person("ann"), item.id)
    with pytest.raises(HeldError, match="ann has this item"):
        await reviews.claim(person("bob"), item.id)
    seen = await reviews.get(person("bob"), item.id)
    assert seen.summary.claim is not None
    assert seen.summary.claim.holder == "ann"


async def test_of_many_who_claim_at_once_one_has_it(
    reviews: SqlReviews, put: Put, person: Person
) -> None:
    item = await put()
    outcomes = await asyncio.gather(
        *(reviews.claim(person(f"p{n}"), item.id) for n in range(20)), return_exceptions=True
    )
    assert sum(not isinstance(each, HeldError) for each in outcomes) == 1


async def test_a_lease_that_ran_out_returns_the_item_and_its_old_token_is_refused(
    reviews: SqlReviews, put: Put, person: Person, clock: Any
) -> None:
    item = await put()
    old = await reviews.claim(person("ann"), item.id)
    clock.forward(minutes=11)
    assert (await reviews.get(person("bob"), item.id)).summary.claim is None
    with pytest.raises(NotHeldError, match="ran out"):
        await reviews.decide(person("ann"), item.id, approval(item, old.token))
    new = await reviews.claim(person("bob"), item.id)
    assert new.token > old.token
    with pytest.raises(NotHeldError, match="bob has it now"):
        await reviews.decide(person("ann"), item.id, approval(item, old.token))
    # the same person's older claim is an old token, too
    clock.forward(minutes=11)
    mine = await reviews.claim(person("ann"), item.id)
    with pytest.raises(NotHeldError):
        await reviews.decide(person("ann"), item.id, approval(item, old.token))
    assert (await reviews.decide(person("ann"), item.id, approval(item, mine.token))).state == (
        "final"
    )


async def test_a_renewed_lease_goes_on_under_the_same_token(
    reviews: SqlReviews, put: Put, person: Person, clock: Any
) -> None:
    item = await put()
    claim = await reviews.claim(person("ann"), item.id)
    clock.forward(minutes=9)
    renewed = await reviews.renew(person("ann"), item.id, claim.token)
    clock.forward(minutes=9)
    assert renewed.token == claim.token
    await reviews.decide(person("ann"), item.id, approval(item, claim.token))


async def test_the_next_item_is_the_most_urgent_that_one_may_have(
    reviews: SqlReviews, put: Put, person: Person, clock: Any
) -> None:
    await put("held", failed=2)
    await put("tax", failed=2, rules=ReviewRules(skill="tax"))
    await put("handed", failed=2)
    await put("later", failed=0)
    ann, bob, lead = person("ann"), person("bob", skills=("tax",)), person("lou", Role.LEAD)
    await reviews.hand_over(lead, (await put("handed", failed=2)).id, 0, to="bob")
    first = await reviews.claim_next(ann)
    assert first is not None
    assert first.summary.request_id == "held"
    names = set()
    while (item := await reviews.claim_next(bob)) is not None:
        names.add(item.summary.request_id)
    assert "tax" in names
    assert "handed" in names
    assert first.summary.request_id not in names
    clock.forward(minutes=11)
    taxing = await put("tax", failed=2)
    with pytest.raises(NotAllowedError, match="tax"):
        await reviews.claim(ann, taxing.id)


async def test_a_snoozed_item_leaves_the_list_until_its_time(
    reviews: SqlReviews, put: Put, person: Person, clock: Any
) -> None:
    ann = person("ann")
    item = await put()
    claim = await reviews.claim(ann, item.id)
    until = clock() + timedelta(hours=1)
    await reviews.snooze(ann, item.id, claim.token, until=until, note="waits for the filing")
    assert (await reviews.page(ann)).total == 0
    assert (await reviews.page(ann, Filter(snoozed=True))).total == 1
    assert await reviews.claim_next(ann) is None
    clock.forward(hours=1, seconds=1)
    assert (await reviews.page(ann)).total == 1


async def test_an_item_handed_over_is_for_the_other_person(
    reviews: SqlReviews, put: Put, person: Person
) -> None:
    item = await put()
    claim = await reviews.claim(person("ann"), item.id)
    await reviews.hand_over(person("ann"), item.id, claim.token, to="bob", note="yours")
    with pytest.raises(HeldError, match="bob"):
        await reviews.claim(person("cy"), item.id)
    await reviews.claim(person("bob"), item.id)
    history = await reviews.history(person("bob"), item.id)
    assert ("ann", "handed it to bob", "yours") in [(h.who, h.what, h.note) for h in history]


async def test_a_decision_is_published_once_after_its_time_to_undo(
    reviews: SqlReviews, database: Database, put: Put, person: Person, clock: Any
) -> None:
    item = await put()
    claim = await reviews.claim(person("ann"), item.id)
    clock.forward(seconds=30)
    decision = await reviews.decide(person("ann"), item.id, approval(item, claim.token))
    assert decision.state == "final"
    assert await published(database, clock) == []
    clock.forward(seconds=6)
    letters = await published(database, clock)
    assert [letter.topic for letter in letters] == ["reviews.decided", "feedback.accepted"]
    assert await published(database, clock) == []
    decided = ReviewDecided.model_validate_json(letters[0].value or b"")
    assert decided.item == item.checked
    assert decided.payload == item.payload
    assert (decided.decision, decided.reviewer, decided.seconds) == ("approved", "ann", 30)
    label = events.FeedbackAccepted.model_validate_json(letters[1].value or b"")
    assert (label.decision, label.checks) == ("approved", item.checked.checks)
    headers = dict(letters[0].headers)
    assert (headers["trace"], headers["ce_subject"]) == (b"\xff", b"person-7")
    assert (letters[0].key, letters[0].partition) == (b"talk", 0)


async def test_an_item_is_decided_once(reviews: SqlReviews, put: Put, person: Person) -> None:
    item = await put()
    claim = await reviews.claim(person("ann"), item.id)
    await reviews.decide(person("ann"), item.id, approval(item, claim.token))
    with pytest.raises(NotOpenError, match="decided"):
        await reviews.decide(person("ann"), item.id, approval(item, claim.token))
    with pytest.raises(NotOpenError):
        await reviews.claim(person("bob"), item.id)
    assert (await put()).summary.status is Status.DECIDED


async def test_a_decision_can_be_taken_back_until_it_is_published(
    reviews: SqlReviews, database: Database, put: Put, person: Person, clock: Any
) -> None:
    ann = person("ann")
    item = await put()
    claim = await reviews.claim(ann, item.id)
    decision = await reviews.decide(ann, item.id, approval(item, claim.token))
    with pytest.raises(UnknownItemError):
        await reviews.undo(person("bob"), item.id, decision.id)
    again = await reviews.undo(ann, item.id, decision.id)
    clock.forward(seconds=6)
    assert await published(database, clock) == []
    rejection = Judgement(Kind.REJECTED, item.payload, again.token, note="half of it")
    decision = await reviews.decide(ann, item.id, rejection)
    clock.forward(seconds=6)
    assert len(await published(database, clock)) == 2
    with pytest.raises(PublishedError):
        await reviews.undo(ann, item.id, decision.id)


async def test_an_edit_is_let_out_only_as_it_was_checked(  # noqa: PLR0913, PLR0917 - fixtures
    reviews: SqlReviews,
    arrivals: SqlArrivals,
    database: Database,
    put: Put,
    person: Person,
    clock: Any,
) -> None:
    ann = person("ann")
    item = await put()
    claim = await reviews.claim(ann, item.id)
    edit = await reviews.propose(ann, item.id, claim.token, "It was 13 million.")
    (letter,) = await published(database, clock)
    proposed = events.EditProposed.model_validate_json(letter.value or b"")
    assert (letter.topic, proposed.proposal) == ("reviews.proposed", edit.id)
    assert proposed.answer == edit.answer
    judgement = Judgement(Kind.EDITED, item.payload, claim.token, proposal=edit.id)
    with pytest.raises(UncheckedError, match="not answered yet"):
        await reviews.decide(ann, item.id, judgement)
    failed = Verdict(name="figures", verdict="failed", score=0.1, reason="13 is in no passage")
    await arrivals.checked(edit.id, [failed])
    assert (await reviews.proposal(ann, item.id, edit.id)).failing == (failed,)
    with pytest.raises(UncheckedError, match="figures"):
        await reviews.decide(ann, item.id, judgement)
    accepted = Judgement(
        Kind.EDITED, item.payload, claim.token, proposal=edit.id, accepts=("figures",)
    )
    await reviews.decide(ann, item.id, accepted)
    clock.forward(seconds=6)
    decided = ReviewDecided.model_validate_json((await published(database, clock))[0].value or b"")
    assert decided.answer == edit.answer
    assert decided.checks == (failed,)
    assert decided.diff is not None
    assert "-It was 12 million.\n+It was 13 million." in decided.diff


async def test_a_rejection_gives_a_reason_of_the_release(
    reviews: SqlReviews, database: Database, put: Put, person: Person, clock: Any
) -> None:
    ann = person("ann")
    item = await put(rules=ReviewRules(reasons=("wrong figure", "off topic")))
    claim = await reviews.claim(ann, item.id)
    for bad in ("", "no idea"):
        judgement = Judgement(Kind.REJECTED, item.payload, claim.token, reason=bad, note="x")
        with pytest.raises(UnfitDecisionError, match="wrong figure, off topic"):
            await reviews.decide(ann, item.id, judgement)
    good = Judgement(
        Kind.REJECTED, item.payload, claim.token, reason="wrong figure", note="13, not 12"
    )
    await reviews.decide(ann, item.id, good)
    clock.forward(seconds=6)
    decided = ReviewDecided.model_validate_json((await published(database, clock))[0].value or b"")
    assert decided.reason_code == "wrong figure"
    assert decided.reason == "wrong figure - 13, not 12"


async def test_what_has_no_answer_cannot_be_approved(
    reviews: SqlReviews, put: Put, person: Person
) -> None:
    item = await put(answer=None)
    claim = await reviews.claim(person("ann"), item.id)
    with pytest.raises(UnfitDecisionError, match="no answer to approve"):
        await reviews.decide(person("ann"), item.id, approval(item, claim.token))


async def test_another_answer_opens_an_item_that_was_sent_back(
    reviews: SqlReviews, database: Database, put: Put, person: Person, clock: Any
) -> None:
    ann = person("ann")
    item = await put()
    claim = await reviews.claim(ann, item.id)
    order = Judgement(Kind.SENT_BACK, item.payload, claim.token, note="name the year")
    await reviews.decide(ann, item.id, order)
    clock.forward(seconds=6)
    letters = await published(database, clock)
    assert letters[0].topic == "fallback.regenerate"
    again = AnswerChecked.model_validate_json(letters[0].value or b"")
    assert again.sent_back is not None
    assert (again.sent_back.note, again.sent_back.reviewer) == ("name the year", "ann")
    assert (await put()).summary.status is Status.SENT_BACK  # a redelivery
    item = await put(attempt=2, answer="In 2029 it was 12 million.", offset=9)
    assert item.summary.status is Status.OPEN
    claim = await reviews.claim(ann, item.id)
    await reviews.decide(ann, item.id, approval(item, claim.token))


async def test_four_eyes_ask_for_a_second_person_who_does_not_know_the_first_word(
    reviews: SqlReviews, database: Database, put: Put, person: Person, clock: Any
) -> None:
    ann, bob = person("ann"), person("bob")
    item = await put(rules=ReviewRules(four_eyes=True))
    claim = await reviews.claim(ann, item.id)
    first = await reviews.decide(ann, item.id, approval(item, claim.token))
    assert first.state == "second_wanted"
    clock.forward(minutes=1)
    assert await published(database, clock) == []
    with pytest.raises(NotAllowedError, match="another person"):
        await reviews.claim(ann, item.id)
    assert await reviews.claim_next(ann) is None
    claim = await reviews.claim(bob, item.id)
    assert await reviews.opinions(bob, item.id) == []
    assert not any("approved" in line.what for line in await reviews.history(bob, item.id))
    second = await reviews.decide(bob, item.id, approval(item, claim.token))
    assert second.state == "final"
    assert [each.reviewer for each in await reviews.opinions(bob, item.id)] == ["ann", "bob"]
    clock.forward(minutes=1)
    decided = ReviewDecided.model_validate_json((await published(database, clock))[0].value or b"")
    assert decided.opinions is not None
    assert [each.reviewer for each in decided.opinions] == ["ann", "bob"]


async def test_of_two_who_differ_a_lead_who_is_neither_decides(
    reviews: SqlReviews, put: Put, person: Person
) -> None:
    ann, bob, cy = person("ann"), person("bob", Role.LEAD), person("cy")
    lou = person("lou", Role.LEAD)
    item = await put(rules=ReviewRules(four_eyes=True))
    claim = await reviews.claim(ann, item.id)
    await reviews.decide(ann, item.id, approval(item, claim.token))
    claim = await reviews.claim(bob, item.id)
    second = Judgement(Kind.REJECTED, item.payload, claim.token, note="half of it")
    assert (await reviews.decide(bob, item.id, second)).state == "disputed"
    for each in (ann, bob, cy):
        with pytest.raises(NotAllowedError):
            await reviews.claim(each, item.id)
    claim = await reviews.claim(lou, item.id)
    assert len(await reviews.opinions(lou, item.id)) == 2
    assert (await reviews.decide(lou, item.id, approval(item, claim.token))).state == "final"


async def test_several_are_rejected_at_once_each_for_itself(
    reviews: SqlReviews, put: Put, person: Person
) -> None:
    ann = person("ann")
    free, held, changed = await put("free"), await put("held"), await put("changed")
    await reviews.claim(person("bob"), held.id)
    refusals = [
        Refusal(free.id, free.payload),
        Refusal(held.id, held.payload),
        Refusal(changed.id, "0" * 64),
    ]
    outcome = await reviews.reject_all(ann, refusals, reason="", note="out of scope")
    assert not isinstance(outcome[free.id], str)
    assert "bob has this item" in str(outcome[held.id])
    assert "changed since" in str(outcome[changed.id])
    assert (await reviews.get(ann, changed.id)).summary.claim is None


async def test_a_decision_made_elsewhere_closes_the_item_and_withdraws_ours(  # noqa: PLR0913, PLR0917 - fixtures
    reviews: SqlReviews,
    arrivals: SqlArrivals,
    database: Database,
    put: Put,
    person: Person,
    arrival: Any,
    clock: Any,
) -> None:
    item = await put()
    claim = await reviews.claim(person("ann"), item.id)
    await reviews.decide(person("ann"), item.id, approval(item, claim.token))
    elsewhere = ReviewDecided(
        item=item.checked,
        decision="rejected",
        answer=None,
        reviewer="bob",
        reason="half of it",
        decided_at=clock(),
    )
    came = arrival(item.checked, clock())
    came.event.data = elsewhere.model_dump_json().encode()
    came.event.id = "decision"
    await arrivals.close(came, elsewhere, NO_RULES)
    await arrivals.close(came, elsewhere, NO_RULES)
    clock.forward(seconds=6)
    assert await published(database, clock) == []
    (opinion,) = await reviews.opinions(person("ann"), item.id)
    assert (opinion.reviewer, opinion.kind) == ("bob", Kind.REJECTED)


async def test_ones_own_decision_read_back_changes_nothing(  # noqa: PLR0913, PLR0917 - fixtures
    reviews: SqlReviews,
    arrivals: SqlArrivals,
    database: Database,
    put: Put,
    person: Person,
    arrival: Any,
    clock: Any,
) -> None:
    item = await put()
    claim = await reviews.claim(person("ann"), item.id)
    await reviews.decide(person("ann"), item.id, approval(item, claim.token))
    clock.forward(seconds=6)
    box = SqlOutbox(database, 0, lambda name: name, clock)
    await box.begin()
    batch = await box.take()
    assert batch is not None  # it is out, and the process died before it took note of that
    came = arrival(item.checked, clock())
    came.event.data = batch[1][0].value
    decided = ReviewDecided.model_validate_json(came.event.data)
    await arrivals.close(came, decided, NO_RULES)
    (opinion,) = await reviews.opinions(person("ann"), item.id)
    assert opinion.reviewer == "ann"
    await box.begin(next_batch=batch[0] + 1)  # as Kafka knows
    assert await box.take() is None


async def test_a_decision_that_comes_before_its_item_closes_it(
    arrivals: SqlArrivals, put: Put, waiting: Any, arrival: Any, clock: Any
) -> None:
    checked = waiting()
    decided = ReviewDecided(
        item=checked, decision="rejected", answer=None, reviewer="bob", decided_at=clock()
    )
    await arrivals.close(arrival(checked, clock()), decided, NO_RULES)
    assert (await put()).summary.status is Status.DECIDED


async def test_a_relay_that_was_followed_by_another_makes_no_batch(
    reviews: SqlReviews, database: Database, put: Put, person: Person, clock: Any
) -> None:
    old = SqlOutbox(database, 0, lambda name: name, clock)
    await old.begin()
    new = SqlOutbox(database, 0, lambda name: name, clock)
    await new.begin()
    item = await put()
    claim = await reviews.claim(person("ann"), item.id)
    await reviews.decide(person("ann"), item.id, approval(item, claim.token))
    clock.forward(seconds=6)
    with pytest.raises(OvertakenError):
        await old.take()
    assert await new.take() is not None


async def test_a_look_at_all_partitions_finds_those_with_something_due_until_it_is_out(
    reviews: SqlReviews, database: Database, put: Put, person: Person, clock: Any
) -> None:
    for name, partition in (("1", 2), ("2", 3), ("3", 3), ("4", 7)):
        item = await put(name, partition=partition)
        claim = await reviews.claim(person("ann"), item.id)
        await reviews.decide(person("ann"), item.id, approval(item, claim.token))
    assert await partitions_due(database, [0, 2, 3], clock()) == set()
    clock.forward(seconds=6)
    assert await partitions_due(database, [0, 2, 3], clock()) == {2, 3}

    box = SqlOutbox(database, 2, lambda name: name, clock)
    await box.begin()
    batch = await box.take()
    assert batch is not None
    assert await partitions_due(database, [0, 2, 3], clock()) == {2, 3}, "taken, and not yet out"
    await box.published(batch[0] + 1)
    assert await partitions_due(database, [0, 2, 3], clock()) == {3}


async def test_what_runs_out_of_time_is_escalated_once_a_level(
    reviews: SqlReviews, database: Database, put: Put, person: Person, clock: Any
) -> None:
    item = await put(failed=2)
    box = SqlOutbox(database, 0, lambda name: name, clock)
    assert await box.escalate() == 0
    clock.forward(minutes=50)
    await reviews.claim(person("ann"), item.id)
    assert [await box.escalate(), await box.escalate()] == [1, 0]
    clock.forward(minutes=20)
    assert [await box.escalate(), await box.escalate()] == [1, 0]
    letters = await published(database, clock)
    told = [events.ReviewEscalated.model_validate_json(each.value or b"") for each in letters]
    assert [(each.level, each.holder) for each in told] == [("due_soon", "ann"), ("overdue", None)]
    assert {each.topic for each in letters} == {"reviews.escalated"}
    assert len({dict(each.headers)["ce_id"] for each in letters}) == 2


async def test_similar_past_decisions_are_of_the_same_tenant(
    reviews: SqlReviews, put: Put, person: Person
) -> None:
    both = person("ann", tenants=("acme", "blue"))
    for name, tenant in (("past", "acme"), ("other", "blue")):
        item = await put(name, tenant=tenant, question="What was the net income of Foo in 2029?")
        claim = await reviews.claim(both, item.id)
        await reviews.decide(both, item.id, approval(item, claim.token))
    unlike = await put("unlike", question="Who audits the accounts?")
    claim = await reviews.claim(both, unlike.id)
    await reviews.decide(both, unlike.id, approval(unlike, claim.token))
    item = await put("new", question="What was the net income of Foo in 2030?")
    (past,) = await reviews.similar(both, item.id)
    assert past.question == "What was the net income of Foo in 2029?"
    assert past.kind is Kind.APPROVED
    assert past.likeness > 0.9


async def test_metacharacters_and_nul_are_kept_as_text(
    reviews: SqlReviews, put: Put, person: Person
) -> None:
    ann = person("ann'; DROP TABLE items; --")
    item = await put("x' OR '1'='1", question="a\x00b'; DROP TABLE items; --")
    claim = await reviews.claim(ann, item.id)
    note = "'); DELETE FROM decisions; --\x00"
    await reviews.decide(
        ann, item.id, Judgement(Kind.REJECTED, item.payload, claim.token, note=note)
    )
    assert (await reviews.page(ann, Filter(status=None, text="' OR '1'='1"))).total == 1
    assert (await reviews.page(ann, Filter(status=None, text="' OR 1=1 --"))).total == 0


async def test_no_item_is_decided_twice_by_people_who_race(
    reviews: SqlReviews, database: Database, put: Put, person: Person, clock: Any
) -> None:
    items = [await put(f"item-{n}") for n in range(10)]
    seed = random.SystemRandom().randrange(10_000)
    print(f"seed {seed}")
    choose = random.Random(seed)
    plan = [(f"p{choose.randrange(8)}", choose.choice(items)) for _ in range(150)]

    async def work(name: str, item: Item) -> int:
        try:
            claim = await reviews.claim(person(name), item.id)
            await reviews.decide(person(name), item.id, approval(item, claim.token))
        except ReviewError:
            return 0
        return 1

    decided = sum(await asyncio.gather(*(work(*each) for each in plan)))
    clock.forward(seconds=6)
    letters = [each for each in await published(database, clock) if each.topic == "reviews.decided"]
    assert decided == len(letters) == len({each.value for each in letters}) == len(items)


async def test_what_was_decided_long_ago_is_forgotten_once_it_is_published(
    reviews: SqlReviews, database: Database, put: Put, person: Person, clock: Any
) -> None:
    ann = person("ann")
    item, _ = await put("decided"), await put("open")
    claim = await reviews.claim(ann, item.id)
    await reviews.decide(ann, item.id, approval(item, claim.token))
    clock.forward(days=31)
    retention = Retention(database, timedelta(days=30), clock)
    assert await retention.forget() == 0
    await published(database, clock)
    assert await retention.forget() == 1
    left = await reviews.page(ann, Filter(status=None))
    assert [each.request_id for each in left.items] == ["open"]
    with pytest.raises(UnknownItemError):
        await reviews.history(ann, item.id)


async def test_figures_say_what_waits_and_how_far_two_people_agree(
    reviews: SqlReviews, database: Database, put: Put, person: Person, clock: Any
) -> None:
    four_eyes = ReviewRules(four_eyes=True)
    for name, second in (("1", Kind.APPROVED), ("2", Kind.REJECTED), ("3", Kind.APPROVED)):
        item = await put(name, rules=four_eyes)
        for who, kind in (("ann", Kind.APPROVED), ("bob", second)):
            claim = await reviews.claim(person(who), item.id)
            judgement = Judgement(kind, item.payload, claim.token, note="half of it")
            await reviews.decide(person(who), item.id, judgement)
            clock.forward(seconds=1)
    clock.forward(hours=5)
    figures, exposition = Figures(database, clock), Exposition("review", Settings())
    try:
        figures.measured(exposition.metrics)
        await figures.refresh()
        page = exposition.page()[0].decode()
    finally:
        exposition.close()
    assert re.search(r'glideslope_review_items\{.*state="overdue".*tenant="acme".*\} 1\.0', page)
    assert re.search(r"glideslope_review_agreement\{.*\} 0\.0", page)
