"""The service as the engine sees it: records in, results out, the log on disk in between."""

import asyncio
import errno
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing, suppress
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pytest
from pydantic import BaseModel, ValidationError
from structlog.testing import capture_logs

from services.audit.adapters.stores import open_keys, read
from services.audit.app import build
from services.audit.entry import Entry
from services.audit.settings import AuditSettings
from services.audit.tlog.keystore import Owner
from services.audit.tlog.leaf import SHREDDED
from shared import topics
from shared.cloudevents import UnreadableError
from shared.delivery import Handlers, Output, Record
from shared.delivery.errors import FatalError
from shared.events import AnswerChecked, Result, ReviewDecided
from shared.settings import Settings
from shared.topics import Topic

Start = Callable[[], AbstractAsyncContextManager[Handlers]]


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Start:
    """Start the service without a Kafka; again for a restart."""

    async def cluster_id(_settings: Settings) -> str:
        return "cluster-1"

    async def was_logged(_settings: Settings, _group: str, _partition: int) -> bool:
        return False

    monkeypatch.setattr("services.audit.app.cluster_id", cluster_id)
    monkeypatch.setattr("services.audit.adapters.opening.was_logged", was_logged)

    @asynccontextmanager
    async def started() -> AsyncIterator[Handlers]:
        service = build(AuditSettings(home=tmp_path, deployment="test", topic_prefix="p."))
        handlers = Handlers(service)
        await handlers.prepare()
        async with service.lifespan():
            yield handlers

    return started


@pytest.fixture
async def handlers(start: Start) -> AsyncIterator[Handlers]:
    async with start() as handlers:
        yield handlers


offsets = count()


def record(topic: Topic, data: BaseModel, *, key: bytes = b"k", partition: int = 0) -> Record:
    offset = next(offsets)
    return Record(
        topic=f"p.{topic.name}",
        partition=partition,
        offset=offset,
        timestamp=1_760_000_000_000 + offset,
        key=key,
        value=data.model_dump_json().encode(),
        headers=(
            ("ce_specversion", b"1.0"),
            ("ce_id", str(offset).encode()),
            ("ce_source", b"/test"),
            ("ce_type", topic.event_type.encode()),
            ("content-type", b"application/json"),
            ("foreign", b"\xff"),
            ("foreign", None),
        ),
    )


def logged(home: Path, partition: int = 0) -> list[Entry]:
    settings = AuditSettings(home=home)
    with closing(open_keys(settings)) as keys:
        return [entry for _, entry in read(settings.log_folder(partition), keys)]


def only(outputs: list[Output]) -> Result:
    (output,) = outputs
    assert output.topic == "p.results"
    assert output.value is not None
    return Result.model_validate_json(output.value)


def decided(checked: AnswerChecked, **changes: object) -> ReviewDecided:
    whole = {
        "item": checked,
        "decision": "approved",
        "answer": checked.answer,
        "reviewer": "jo",
        "decided_at": datetime(2026, 1, 1, tzinfo=UTC),
    }
    return ReviewDecided.model_validate({**whole, **changes})


async def test_it_consumes_every_topic(handlers: Handlers) -> None:
    assert handlers.topics == {f"p.{topic.name}" for topic in topics.ALL}


@pytest.mark.parametrize("topic", topics.ALL, ids=lambda topic: topic.name)
async def test_a_record_is_in_the_log_with_everything_it_had_even_if_it_is_junk(
    handlers: Handlers, tmp_path: Path, topic: Topic
) -> None:
    junk = Record(
        topic=f"p.{topic.name}",
        partition=3,
        offset=17,
        timestamp=5,
        key=b"\x00\xff",
        value=b"\xfe not JSON",
        headers=(("h", None), ("h", b"\xff"), ("h", b"")),
    )

    with suppress(UnreadableError):
        assert await handlers.handle(junk) == []

    (entry,) = logged(tmp_path, 3)
    assert entry.position == ("cluster-1", f"p.{topic.name}", 3, 17, 5)
    assert (entry.key, entry.value, entry.headers) == (junk.key, junk.value, junk.headers)


async def test_an_approved_answer_leaves_with_the_receipt_of_its_entry(
    handlers: Handlers, checked: AnswerChecked, tmp_path: Path
) -> None:
    await handlers.handle(record(topics.ANSWERS_DRAFTED, checked, partition=1))
    approval = record(topics.ANSWERS_APPROVED, checked, partition=1, key=b"conversation")

    outputs = await handlers.handle(approval)

    result = only(outputs)
    assert result.outcome == "answered"
    assert result.answer == checked.answer
    assert result.receipt.model_dump() == {"origin": "test/1", "index": 1, "size": 2}
    assert logged(tmp_path, 1)[1].position.offset == approval.offset
    assert (outputs[0].key, outputs[0].partition) == (b"conversation", 1)


async def test_a_refusal_leaves_without_its_answer(
    handlers: Handlers, checked: AnswerChecked
) -> None:
    result = only(await handlers.handle(record(topics.FALLBACK_REFUSAL, checked)))

    assert (result.outcome, result.answer, result.reason) == ("refused", None, checked.reason)


async def test_what_a_person_approved_leaves_as_theirs(
    handlers: Handlers, checked: AnswerChecked
) -> None:
    result = only(await handlers.handle(record(topics.REVIEWS_DECIDED, decided(checked))))

    assert result.outcome == "answered_by_person"


async def test_what_a_person_rejected_is_refused(
    handlers: Handlers, checked: AnswerChecked
) -> None:
    rejection = decided(checked, decision="rejected", answer=None, reason="outdated")

    result = only(await handlers.handle(record(topics.REVIEWS_DECIDED, rejection)))

    assert (result.outcome, result.answer, result.reason) == ("refused", None, "outdated")


@pytest.mark.parametrize(
    "topic",
    [topics.FALLBACK_REVIEW, topics.FALLBACK_REGENERATE, topics.ANSWERS_DRAFTED],
    ids=lambda topic: topic.name,
)
async def test_an_answer_that_is_not_decided_makes_no_result(
    handlers: Handlers, checked: AnswerChecked, topic: Topic
) -> None:
    assert await handlers.handle(record(topic, checked)) == []


async def test_a_second_decision_is_logged_and_makes_no_second_result(
    handlers: Handlers, checked: AnswerChecked, tmp_path: Path
) -> None:
    review = decided(checked)
    only(await handlers.handle(record(topics.REVIEWS_DECIDED, review)))

    with capture_logs() as logs:
        second = await handlers.handle(record(topics.REVIEWS_DECIDED, review, key=b"other"))
        third = await handlers.handle(record(topics.ANSWERS_APPROVED, checked))

    assert second == third == []
    assert len(logged(tmp_path)) == 3
    assert [(e["log_level"], e["request_id"]) for e in logs] == [("warning", "r-1")] * 2


async def test_a_redelivered_decision_makes_the_same_result_with_the_same_receipt(
    handlers: Handlers, checked: AnswerChecked, tmp_path: Path
) -> None:
    approval = record(topics.ANSWERS_APPROVED, checked)
    first = only(await handlers.handle(approval))
    await handlers.handle(record(topics.ANSWERS_APPROVED, checked))

    again = only(await handlers.handle(approval))

    assert again == first
    assert len(logged(tmp_path)) == 2


async def test_a_decision_redelivered_after_a_restart_is_still_the_one_that_counts(
    start: Start, checked: AnswerChecked, tmp_path: Path
) -> None:
    first, second = (record(topics.ANSWERS_APPROVED, checked) for _ in range(2))
    async with start() as handlers:
        before = only(await handlers.handle(first))

    async with start() as handlers:
        assert await handlers.handle(second) == []
        after = only(await handlers.handle(first))

    assert after == before
    assert len(logged(tmp_path)) == 2


async def test_one_id_from_two_sources_is_two_requests(
    handlers: Handlers, checked: AnswerChecked
) -> None:
    other = checked.model_copy(
        update={"request": checked.request.model_copy(update={"request_source": "/erp"})}
    )

    only(await handlers.handle(record(topics.ANSWERS_APPROVED, checked)))
    only(await handlers.handle(record(topics.ANSWERS_APPROVED, other)))


async def test_an_unreadable_decision_is_logged_and_then_refused(
    handlers: Handlers, checked: AnswerChecked, tmp_path: Path
) -> None:
    whole = record(topics.ANSWERS_APPROVED, checked)

    with pytest.raises(ValidationError):
        await handlers.handle(replace(whole, value=b"{}"))

    (entry,) = logged(tmp_path)
    assert entry.decides is None
    assert only(await handlers.handle(record(topics.ANSWERS_APPROVED, checked))).receipt.index == 1


async def test_while_the_disk_fails_no_result_leaves_and_then_all_do(
    start: Start, checked: AnswerChecked, monkeypatch: pytest.MonkeyPatch
) -> None:
    approval = record(topics.ANSWERS_APPROVED, checked)
    failed = asyncio.Event()
    loop = asyncio.get_running_loop()

    def fails(_file: int) -> None:
        loop.call_soon_threadsafe(failed.set)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    async with start() as handlers:
        await handlers.handle(record(topics.ANSWERS_DRAFTED, checked))
        with monkeypatch.context() as faults:
            faults.setattr(os, "fdatasync", fails)
            held = asyncio.create_task(handlers.handle(approval))
            await asyncio.wait_for(failed.wait(), 10)
            assert not held.done()
        assert only(await asyncio.wait_for(held, 10)).receipt.index == 1

    async with start() as handlers:
        assert only(await handlers.handle(approval)).receipt.index == 1


async def test_another_writer_of_its_log_stops_the_service(
    start: Start, checked: AnswerChecked, tmp_path: Path
) -> None:
    async with start() as handlers:
        await handlers.handle(record(topics.ANSWERS_DRAFTED, checked))
        await until((tmp_path / "audit/0/checkpoint").exists)
        (tmp_path / "audit/0/checkpoint").write_bytes(b"another's")
        with pytest.raises(FatalError, match="another process wrote"):
            await handle_forever(handlers, checked)


async def handle_forever(handlers: Handlers, checked: AnswerChecked) -> None:
    while True:
        await handlers.handle(record(topics.ANSWERS_DRAFTED, checked))


async def until(there: Callable[[], bool]) -> None:
    while not there():  # noqa: ASYNC110 - a file tells nobody that it is there
        await asyncio.sleep(0.01)


async def test_records_are_logged_in_the_order_in_which_they_are_taken(
    handlers: Handlers, checked: AnswerChecked, tmp_path: Path
) -> None:
    kinds = (topics.ANSWERS_APPROVED, topics.REQUESTS, topics.ANSWERS_DRAFTED)
    records = [record(kinds[number % 3], checked) for number in range(60)]

    await asyncio.gather(*(handlers.handle(each) for each in records))

    assert [entry.position.offset for entry in logged(tmp_path)] == [r.offset for r in records]


async def test_an_erasure_is_logged_although_nothing_arrives(
    handlers: Handlers, checked: AnswerChecked, tmp_path: Path
) -> None:
    whole = record(topics.ANSWERS_DRAFTED, checked)
    headers = (*whole.headers, ("ce_subject", b"ann"))
    await handlers.handle(replace(whole, headers=headers))
    with closing(open_keys(AuditSettings(home=tmp_path))) as keys:
        keys.erase(Owner("default", "ann"), "asked for it")

    bundle = tmp_path / "audit/0/tile/entries/000.p/2"
    async with asyncio.timeout(10):
        await until(bundle.exists)
    assert SHREDDED.encode() in bundle.read_bytes()


def test_what_only_waits_to_be_written_has_room_of_its_own() -> None:
    service = build(AuditSettings(max_in_flight=3, audit_in_flight=7))

    assert service.settings.max_in_flight == 7
