"""Whether every request has one end, from a log that audit's own store wrote."""

import itertools
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import BaseModel

from glideslope.audit.balance import Balance, Balancing
from glideslope.audit.places import Folder
from glideslope.identity import RequestName
from services.audit.adapters.keys import LocalKeys
from services.audit.adapters.stores import open_store
from services.audit.duties import fulfil
from services.audit.entry import Entry, Position
from services.audit.tlog.keystore import Owner
from shared import topics
from shared.cloudevents import Event
from shared.delivery.dead_letters import dead_letter
from shared.delivery.record import Record
from shared.events import (
    Answer,
    AnswerChecked,
    AnswerDrafted,
    Confidence,
    Receipt,
    RequestAccepted,
    RequestDuplicated,
    RequestRejected,
    RequestSubmitted,
    Result,
    ReviewDecided,
    Usage,
)
from shared.settings import Settings
from shared.topics import Topic

SETTINGS = Settings(topic_prefix="p.")
START = 1_760_000_000_000
HOUR = 3_600_000
DAY = timedelta(days=1)


class Pipeline:
    """Logs what the services would publish about requests, at times that a test gives."""

    def __init__(self, folder: Path) -> None:
        self.place = Folder(folder / "0")
        self.keys = LocalKeys(folder / "keys", bytes(32))
        self.now = START
        self.entries: list[Entry] = []
        self._offsets: dict[str, Iterator[int]] = {}

    def put(self, topic: Topic, event: Event) -> Event:
        self.put_record(topic, event.data, tuple(event.headers()))
        return event

    def put_record(
        self, topic: Topic, value: bytes, headers: tuple[tuple[str, bytes | None], ...]
    ) -> Record:
        name = SETTINGS.topic(topic)
        offset = next(self._offsets.setdefault(name, itertools.count()))
        decision = None if topic is topics.DEAD_LETTERS else fulfil(topic, value, headers)
        position = Position("c", name, 0, offset, self.now)
        entry = Entry(
            position, b"k", headers, value, None if decision is None else decision.request
        )
        self.entries.append(entry)
        self.now += 1
        return Record(name, 0, offset, position.timestamp, b"k", value, headers)

    def ask(self, id_: str, subject: str | None = "ann", source: str = "/crm") -> Event:
        event = Event(
            id=id_,
            type=topics.REQUESTS.event_type,
            source=source,
            data=RequestSubmitted(question="?").model_dump_json().encode(),
            subject=subject,
        )
        return self.put(topics.REQUESTS, event)

    def step(self, cause: Event, data: BaseModel, topic: Topic, service: str) -> Event:
        source = f"/glideslope/{service}"
        event = cause.derive(data, type=topic.event_type, source=source, stage=topic.name)
        return self.put(topic, event)

    def accept(self, request: Event) -> tuple[Event, RequestAccepted]:
        accepted = RequestAccepted(
            request_id=request.id,
            request_source=request.source,
            tenant="default",
            question="?",
            received_at=datetime.fromtimestamp(self.now / 1000, UTC),
            release="abc",
        )
        return self.step(request, accepted, topics.REQUESTS_ACCEPTED, "ingest"), accepted

    def check(self, request: Event, topic: Topic) -> tuple[Event, AnswerChecked]:
        event, accepted = self.accept(request)
        answer = Answer(text="!")
        drafted = AnswerDrafted(request=accepted, answer=answer, usage=Usage(model="m"))
        event = self.step(event, drafted, topics.ANSWERS_DRAFTED, "inference")
        checked = AnswerChecked(
            **drafted.model_dump(),
            checks=(),
            confidence=Confidence(probability=1, threshold=0.9),
            reason="fine",
        )
        return self.step(event, checked, topic, "validator"), checked

    def result(self, decided: Event, item: AnswerChecked) -> Event:
        result = Result(
            request_id=item.request.request_id,
            request_source=item.request.request_source,
            outcome="answered",
            answer=item.answer,
            confidence=item.confidence,
            checks=(),
            release="abc",
            usage=item.usage,
            receipt=Receipt(origin="glideslope/0", index=1, size=2),
        )
        return self.step(decided, result, topics.RESULTS, "audit")

    def answer(self, request: Event) -> Event:
        return self.result(*self.check(request, topics.ANSWERS_APPROVED))

    def reject(self, request: Event) -> Event:
        rejected = RequestRejected(
            request_id=request.id, request_source=request.source, code="c", message="m"
        )
        return self.step(request, rejected, topics.REQUESTS_REJECTED, "ingest")

    def bury(self, record: Record, service: str) -> None:
        letter = dead_letter(
            record, ValueError("no"), topic="p.dead.letters", service=service, attempts=3
        )
        self.put_record(topics.DEAD_LETTERS, letter.value or b"", letter.headers)

    def log(self) -> None:
        with closing(open_store(self.place.path, "glideslope/0", self.keys)) as store:
            store.append(self.entries)
        self.entries.clear()

    def balance(self, *, keys: bool = True, hours: float = 0.0) -> Balance:
        if self.entries:
            self.log()
        balancing = Balancing(self.place, self.keys if keys else None, SETTINGS, DAY)
        return balancing.run(self.now + int(hours * HOUR), DAY)


@pytest.fixture
def pipeline(tmp_path: Path) -> Iterator[Pipeline]:
    pipeline = Pipeline(tmp_path)
    yield pipeline
    pipeline.keys.close()


KEYS = pytest.mark.parametrize("keys", [True, False], ids=["with keys", "without keys"])


def mixed(pipeline: Pipeline) -> None:
    """Let each kind of request come to its end."""
    pipeline.answer(pipeline.ask("answered"))
    pipeline.reject(pipeline.ask("rejected"))
    again = pipeline.ask("answered")
    duplicate = RequestDuplicated(request_id="answered", request_source="/crm")
    pipeline.step(again, duplicate, topics.REQUESTS_DUPLICATED, "ingest")
    waiting, checked = pipeline.check(pipeline.ask("reviewed"), topics.FALLBACK_REVIEW)
    decided = ReviewDecided(
        item=checked,
        decision="approved",
        answer=checked.answer,
        reviewer="r",
        decided_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    pipeline.result(pipeline.step(waiting, decided, topics.REVIEWS_DECIDED, "review"), checked)


@KEYS
def test_what_has_ended_once_adds_up(pipeline: Pipeline, keys: bool) -> None:
    mixed(pipeline)
    balance = pipeline.balance(keys=keys, hours=48)
    said = balance.reconciliation
    assert said.adds_up, balance.faults
    assert (said.requests, said.results, said.rejected, said.duplicates) == (4, 2, 1, 1)
    assert (balance.open, balance.untold) == ((), 0)


@KEYS
def test_what_is_on_its_way_is_listed_with_its_age_and_last_step(
    pipeline: Pipeline, keys: bool
) -> None:
    mixed(pipeline)
    pipeline.accept(pipeline.ask("slow"))
    pipeline.check(pipeline.ask("asked a person"), topics.FALLBACK_REVIEW)
    balance = pipeline.balance(keys=keys, hours=1)
    assert balance.reconciliation.adds_up
    found = {each.name.id: each for each in balance.open}
    assert found["slow"].state == "in flight"
    assert found["asked a person"].state == "waiting for a person"
    assert found["asked a person"].step == "fallback.review"
    if keys:
        assert found["slow"].step == "requests.accepted"
        assert found["slow"].name == RequestName("/crm", "slow")


@KEYS
def test_a_request_on_which_nothing_was_done_for_too_long_is_lost(
    pipeline: Pipeline, keys: bool
) -> None:
    mixed(pipeline)
    pipeline.accept(pipeline.ask("lost"))
    pipeline.check(pipeline.ask("asked a person"), topics.FALLBACK_REVIEW)
    balance = pipeline.balance(keys=keys, hours=25)
    assert balance.reconciliation.lost == 1
    assert balance.is_told
    [(fault, name)] = balance.faults
    assert fault.is_loss
    assert name is not None
    assert name.id == "lost"
    assert {each.name.id: each.state for each in balance.open} == {
        "lost": "lost",
        "asked a person": "waiting for a person",
    }


@KEYS
def test_a_request_that_ended_twice_is_named(pipeline: Pipeline, keys: bool) -> None:
    request = pipeline.ask("twice")
    decided, checked = pipeline.check(request, topics.ANSWERS_APPROVED)
    pipeline.result(decided, checked)
    pipeline.result(decided, checked)
    balance = pipeline.balance(keys=keys)
    assert balance.is_told
    [(fault, name)] = balance.faults
    assert "2 results" in fault.what
    assert name == RequestName("/crm", "twice")


def test_a_dead_letter_is_an_end_of_its_own_kind(pipeline: Pipeline) -> None:
    request = pipeline.ask("buried")
    headers = tuple(request.headers())
    pipeline.bury(Record("p.requests", 0, 0, START, b"k", request.data, headers), "ingest")
    event, _ = pipeline.accept(pipeline.ask("stuck"))
    record = Record("p.requests.accepted", 0, 0, START, b"k", event.data, tuple(event.headers()))
    pipeline.bury(record, "inference")
    balance = pipeline.balance(hours=48)
    assert balance.reconciliation.adds_up, balance.faults
    assert balance.reconciliation.dead_letters == 2
    assert {(each.name.id, each.state) for each in balance.open} == {("stuck", "dead letter")}


def test_the_requests_of_an_erased_person_still_add_up(pipeline: Pipeline) -> None:
    pipeline.answer(pipeline.ask("bob's", subject="bob"))
    mixed(pipeline)
    pipeline.log()
    pipeline.keys.erase(Owner("default", "ann"), "she asked")
    # she has a new key since; this request is read, the ones before are not
    pipeline.answer(pipeline.ask("later"))
    balance = pipeline.balance(hours=48)
    said = balance.reconciliation
    assert said.adds_up, balance.faults
    assert (said.requests, said.results, said.rejected, said.duplicates) == (6, 4, 1, 1)


def test_a_request_that_was_in_flight_at_the_erasure_is_followed_across_it(
    pipeline: Pipeline,
) -> None:
    decided, checked = pipeline.check(pipeline.ask("crossing"), topics.ANSWERS_APPROVED)
    pipeline.log()
    pipeline.keys.erase(Owner("default", "ann"), "she asked")
    pipeline.result(decided, checked)
    balance = pipeline.balance(hours=48)
    assert balance.reconciliation.adds_up, balance.faults
    assert balance.reconciliation.results == 1


def test_a_rejection_that_cannot_be_assigned_without_keys_is_no_loss_for_sure(
    pipeline: Pipeline,
) -> None:
    pipeline.reject(pipeline.ask("rejected"))  # nothing was decided, so no source is in the clear
    assert pipeline.balance(hours=48).reconciliation.adds_up
    balance = pipeline.balance(keys=False, hours=48)
    assert not balance.reconciliation.adds_up
    assert balance.untold == 1
    assert not balance.is_told
