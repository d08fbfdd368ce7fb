"""A person is erased: what is left of them in the queue, over SQLite and PostgreSQL alike."""

import json
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text

from services.review.adapters.arrivals import SqlArrivals
from services.review.adapters.database import Database
from services.review.adapters.outbox import SqlOutbox
from services.review.adapters.retention import Retention
from services.review.adapters.reviews import SqlReviews
from services.review.adapters.tables import metadata
from services.review.decision import Judgement, Kind
from services.review.errors import NotHeldError, NotOpenError, UnknownItemError
from services.review.identity import Identity, Role
from services.review.item import Arrival, Status
from shared import topics
from shared.delivery.record import Output
from shared.events import AnswerChecked, ReviewDecided, SubjectErased, Verdict
from shared.release import ReviewRules

WORD = "Zanzibar"
WHO = SubjectErased(tenant="acme", subject="person-7")
PASSED = Verdict(name="figures", verdict="passed", score=1.0, reason=f"{WORD} stands there")


class Story:
    """A queue with items of one person, each of which says the secret wherever it can."""

    def __init__(  # noqa: PLR0913, PLR0917 - fixtures
        self,
        database: Database,
        reviews: SqlReviews,
        arrivals: SqlArrivals,
        clock: Any,
        waiting: Callable[..., AnswerChecked],
        arrival: Callable[..., Arrival],
        id_of: Callable[..., str],
    ) -> None:
        self.database, self.reviews, self.arrivals, self.clock = (
            database,
            reviews,
            arrivals,
            clock,
        )
        self._waiting, self._arrival, self.id_of = waiting, arrival, id_of
        self.ann = Identity("ann", frozenset({Role.LEAD}), frozenset({"acme"}))

    async def put(self, name: str, rules: ReviewRules | None = None, **changed: Any) -> Arrival:
        changed = {"question": f"What of {WORD}?", "answer": f"{WORD} it is.", **changed}
        checked = self._waiting(name, **changed).model_copy(update={"reason": f"about {WORD}"})
        came = self._arrival(checked, self.clock())
        await self.arrivals.put(came, checked, rules or ReviewRules())
        return came

    async def judge(self, name: str, kind: Kind, **more: Any) -> str:
        item = await self.reviews.get(self.ann, self.id_of(name))
        claim = await self.reviews.claim(self.ann, item.id)
        judgement = Judgement(kind, item.payload, claim.token, note=f"on {WORD}", **more)
        return (await self.reviews.decide(self.ann, item.id, judgement)).id

    async def edit(self, name: str) -> None:
        claim = await self.reviews.claim(self.ann, self.id_of(name))
        words = f"{WORD}, edited"
        edit = await self.reviews.propose(self.ann, self.id_of(name), claim.token, words)
        await self.arrivals.checked(edit.id, [PASSED])
        await self.judge(name, Kind.EDITED, proposal=edit.id)

    async def publish(self, seconds: float = 60) -> list[Output]:
        """Publish what is due, as a relay would."""
        self.clock.forward(seconds=seconds)
        box = SqlOutbox(self.database, 0, lambda name: name, self.clock)
        await box.begin()
        found: list[Output] = []
        while (batch := await box.take()) is not None:
            found += batch[1]
            await box.published(batch[0] + 1)
        return found

    async def erase(self) -> int:
        return await self.arrivals.erase(WHO, self.clock())

    async def ends(self, outputs: Sequence[Output]) -> list[tuple[str, str, str]]:
        found = [
            ReviewDecided.model_validate_json(each.value or b"")
            for each in outputs
            if each.topic == topics.REVIEWS_DECIDED.name
        ]
        return [(each.item.request.request_id, each.decision, each.reviewer) for each in found]

    async def left(self) -> str:
        """Return all that the database holds, as text."""
        found = []
        async with self.database.reading() as connection:
            for table in metadata.sorted_tables:
                rows = (await connection.execute(select(table))).all()
                found += [repr(row) for row in rows]
        return "\n".join(found)


def is_in(word: str, folder: Path) -> bool:
    return any(word.encode() in file.read_bytes() for file in folder.glob("queue.db*"))


@pytest.fixture
def story(  # noqa: PLR0913, PLR0917 - fixtures
    database: Database,
    reviews: SqlReviews,
    arrivals: SqlArrivals,
    clock: Any,
    waiting: Callable[..., AnswerChecked],
    arrival: Callable[..., Arrival],
    id_of: Callable[..., str],
) -> Story:
    return Story(database, reviews, arrivals, clock, waiting, arrival, id_of)


async def test_nothing_that_an_erased_person_asked_is_left_and_what_waits_is_refused(
    story: Story,
) -> None:
    for name in ("open", "approved", "edited", "back", "four"):
        await story.put(name, ReviewRules(four_eyes=True) if name == "four" else None)
    await story.judge("approved", Kind.APPROVED)
    await story.edit("edited")
    await story.judge("back", Kind.SENT_BACK)
    assert len(await story.ends(await story.publish())) == 2
    await story.judge("four", Kind.REJECTED)
    claim = await story.reviews.claim(story.ann, story.id_of("open"))
    await story.reviews.propose(story.ann, story.id_of("open"), claim.token, f"{WORD}?")

    assert await story.erase() == 5
    left = await story.left()
    assert WORD not in left
    assert WHO.subject not in left
    page = await story.reviews.page(story.ann)
    assert page.total == 0
    with pytest.raises((NotHeldError, NotOpenError)):
        await story.reviews.renew(story.ann, story.id_of("open"), claim.token)

    outputs = await story.publish()
    assert WORD not in repr(outputs)
    assert WHO.subject not in repr(outputs)
    assert sorted(await story.ends(outputs)) == [
        ("four", "rejected", "glideslope"),
        ("open", "rejected", "glideslope"),
    ]
    told = [json.loads(each.value or b"") for each in outputs if each.topic == "reviews.accessed"]
    names = {item["request_id"] for each in told for item in each["items"]}
    assert names == {"open", "approved", "edited", "back", "four"}
    assert {each["action"] for each in told} == {"item.erased"}
    kinds = {
        name: [each.kind for each in await story.reviews.opinions(story.ann, story.id_of(name))]
        for name in ("approved", "edited")
    }
    assert kinds == {"approved": [Kind.APPROVED], "edited": [Kind.EDITED]}


async def test_others_and_what_a_person_asks_afterwards_stay(
    story: Story, waiting: Callable[..., AnswerChecked], arrival: Callable[..., Arrival]
) -> None:
    await story.put("theirs", tenant="globex")
    await story.erase()
    checked = waiting("later")
    request = checked.request.model_copy(
        update={"received_at": story.clock() + timedelta(seconds=1)}
    )
    checked = checked.model_copy(update={"request": request})
    await story.arrivals.put(arrival(checked, story.clock()), checked, ReviewRules())
    assert await story.erase() == 0
    everybody = Identity("olga", frozenset({Role.AUDITOR}), frozenset("*"))
    for name in ("theirs", "later"):
        item = await story.reviews.get(everybody, story.id_of(name))
        assert item.summary.status is Status.OPEN
        assert item.checked.answer is not None


async def test_what_was_asked_before_and_comes_after_is_refused_unread(story: Story) -> None:
    assert await story.erase() == 0
    await story.put("late")
    assert WORD not in await story.left()
    outputs = await story.publish()
    assert await story.ends(outputs) == [("late", "rejected", "glideslope")]
    # delivered again, it changes nothing
    await story.put("late")
    assert WORD not in await story.left()
    assert await story.ends(await story.publish()) == []


async def test_a_decision_that_can_be_taken_back_is_withdrawn(story: Story) -> None:
    await story.put("1")
    decision = await story.judge("1", Kind.APPROVED)
    await story.erase()
    with pytest.raises(UnknownItemError):
        await story.reviews.undo(story.ann, story.id_of("1"), decision)
    outputs = await story.publish()
    assert await story.ends(outputs) == [("1", "rejected", "glideslope")]
    assert "feedback.accepted" not in {each.topic for each in outputs}


async def test_a_decision_that_is_on_its_way_out_stands_and_its_words_are_forgotten(
    story: Story,
) -> None:
    await story.put("1")
    await story.judge("1", Kind.APPROVED)
    story.clock.forward(minutes=1)
    box = SqlOutbox(story.database, 0, lambda name: name, story.clock)
    await box.begin()
    batch = await box.take()
    assert batch is not None
    await story.erase()
    assert await box.take() == batch  # it never changes
    assert await story.ends(batch[1]) == [("1", "approved", "ann")]
    await box.published(batch[0] + 1)
    await Retention(story.database, timedelta(days=30), story.clock).forget()
    assert WORD not in await story.left()
    assert await story.ends(await story.publish()) == []


async def test_an_answer_that_was_asked_for_anew_is_refused_when_it_comes(story: Story) -> None:
    await story.put("1")
    await story.judge("1", Kind.SENT_BACK)
    await story.publish()
    await story.erase()
    assert await story.ends(await story.publish()) == []  # another answer may still be approved
    await story.put("1", attempt=2)
    assert WORD not in await story.left()
    assert await story.ends(await story.publish()) == [("1", "rejected", "glideslope")]


async def test_a_queue_that_is_built_anew_forgets_again_what_it_reads_of_an_erased_person(
    story: Story, arrival: Callable[..., Arrival], waiting: Callable[..., AnswerChecked]
) -> None:
    await story.erase()  # who was erased is read first
    await story.put("1")
    checked = waiting("1", question=f"What of {WORD}?")
    decided = ReviewDecided(
        item=checked,
        decision="approved",
        answer=checked.answer,
        reviewer="bob",
        reason=f"{WORD} is right",
        decided_at=story.clock(),
    )
    for _ in range(2):
        await story.arrivals.close(arrival(checked, story.clock()), decided, ReviewRules())
    assert WORD not in await story.left()
    assert await story.ends(await story.publish()) == []  # it has ended already
    (opinion,) = await story.reviews.opinions(story.ann, story.id_of("1"))
    assert (opinion.reviewer, opinion.kind, opinion.text) == ("bob", Kind.APPROVED, None)


async def test_the_records_of_our_own_decisions_bring_nothing_back(story: Story) -> None:
    came = await story.put("1")
    await story.judge("1", Kind.APPROVED)
    (output,) = [each for each in await story.publish() if each.topic == "reviews.decided"]
    await story.erase()
    decided = ReviewDecided.model_validate_json(output.value or b"")
    event = came.event.derive(decided, type=topics.REVIEWS_DECIDED.event_type, source="/", stage="")
    await story.arrivals.close(Arrival(event, 0, 9, b"talk", story.clock()), decided, ReviewRules())
    assert WORD not in await story.left()
    assert await story.ends(await story.publish()) == []


async def test_nothing_of_it_is_left_in_the_files(story: Story, tmp_path: Path, url: str) -> None:
    if not url.startswith("sqlite"):
        pytest.skip("a server keeps its files to itself, until it is vacuumed")
    await story.put("1")
    await story.judge("1", Kind.APPROVED)
    await story.publish()
    assert is_in(WORD, tmp_path)
    await story.erase()
    assert not is_in(WORD, tmp_path)


async def test_items_from_before_know_whose_they_are(story: Story) -> None:
    await story.put("1")
    async with story.database.writing() as connection:
        await connection.execute(text("UPDATE items SET person = NULL"))
        await connection.execute(text("DROP TABLE erasures"))
        await connection.execute(text("DROP INDEX ix_items_person"))
        await connection.execute(text("DROP INDEX items_counted"))
        await connection.execute(text("ALTER TABLE items DROP COLUMN person"))
        await connection.execute(text("ALTER TABLE items DROP COLUMN erased_at"))
        await connection.execute(text("UPDATE alembic_version SET version_num = '0002'"))
    await story.database.open()
    assert await story.erase() == 1
    assert WORD not in await story.left()
