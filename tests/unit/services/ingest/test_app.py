import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from faststream.specification import AsyncAPI

from services.ingest.app import build
from services.ingest.duplicates import Duplicates
from services.ingest.release import Pinned
from services.ingest.settings import IngestSettings
from shared import events, topics
from shared.cloudevents import UnreadableError, derived_id, read
from shared.delivery import Handlers, Output, Record
from shared.metrics import REQUESTS_PINNED, Metrics
from shared.release import BUILT_IN
from shared.topics import Topic

SETTINGS = IngestSettings(topic_prefix="t.")

Submit = Callable[..., Awaitable[Output]]


@pytest.fixture
async def submit() -> Submit:
    handlers = Handlers(build(SETTINGS))
    await handlers.prepare()
    offsets = iter(range(1_000))

    async def submit(topic: Topic, data: Any, **changed: Any) -> Output:
        record = submitted(topic, data, next(offsets), **changed)
        (output,) = await handlers.handle(record)
        return output

    return submit


def submitted(  # noqa: PLR0913 - a record has this many parts
    topic: Topic,
    data: Any,
    offset: int = 0,
    *,
    name: str = "q-1",
    key: bytes | None = b"conversation",
    tenant: bytes | None = None,
    headers: tuple[tuple[str, bytes | None], ...] = (),
) -> Record:
    attributes: list[tuple[str, bytes | None]] = [
        ("ce_specversion", b"1.0"),
        ("ce_id", name.encode()),
        ("ce_type", topic.event_type.encode()),
        ("ce_source", b"/crm"),
    ]
    if tenant is not None:
        attributes.append(("ce_tenant", tenant))
    return Record(
        topic=SETTINGS.topic(topic),
        partition=3,
        offset=offset,
        timestamp=1_700_000_000_000,
        key=key,
        value=json.dumps(data).encode(),
        headers=(*attributes, *headers),
    )


def header(output: Output, name: str) -> bytes | None:
    return dict(output.headers)[name]


async def test_a_request_is_accepted_under_its_key_and_partition_with_release_and_tenant(
    submit: Submit,
) -> None:
    foreign = (("null", None), ("binary", b"\xff\x00"))
    output = await submit(topics.REQUESTS, {"question": " Why? "}, headers=foreign)
    assert (output.topic, output.key, output.partition) == (
        "t.requests.accepted",
        b"conversation",
        3,
    )
    assert output.headers[-2:] == foreign
    assert header(output, "ce_tenant") == b"default"
    assert read(output.value, output.headers).id == derived_id("/crm", "q-1", "requests.accepted")
    accepted = events.RequestAccepted.model_validate_json(output.value or b"")
    assert (accepted.question, accepted.tenant) == ("Why?", "default")
    assert accepted.release == BUILT_IN.content_hash()
    assert accepted.received_at.timestamp() == 1_700_000_000


async def test_an_accepted_request_says_its_release_and_deadline_in_its_headers(
    submit: Submit,
) -> None:
    deadline = "2123-11-14T22:13:20Z"
    output = await submit(topics.REQUESTS, {"question": "Why?", "deadline": deadline})
    assert header(output, "ce_release") == BUILT_IN.content_hash().encode()
    assert header(output, "ce_deadline") == b"2123-11-14T22:13:20+00:00"


@pytest.mark.parametrize(
    ("topic", "data", "way"),
    [
        (topics.REQUESTS, {"question": "Why?"}, "t.requests.accepted"),
        (topics.REQUESTS, {}, "t.requests.rejected"),
        (topics.DOCUMENTS, {"document_id": "d", "text": "One."}, "t.documents.accepted"),
        (topics.DOCUMENTS, {}, "t.documents.rejected"),
        (topics.FEEDBACK, {"request_id": "q-1", "rating": "wrong"}, "t.feedback.accepted"),
        (topics.FEEDBACK, {}, "t.feedback.rejected"),
    ],
    ids=lambda each: each.name if isinstance(each, Topic) else None,
)
async def test_a_senders_own_deadline_and_release_headers_are_not_handed_on(
    submit: Submit, topic: Topic, data: Any, way: str
) -> None:
    forged = (("ce_deadline", b"2001-01-01T00:00:00Z"), ("CE_Release", b"f" * 64))
    output = await submit(topic, data, headers=forged)
    assert output.topic == way
    said = {name.lower(): raw for name, raw in output.headers}
    assert "ce_deadline" not in said
    assert said.get("ce_release") in {None, BUILT_IN.content_hash().encode()}


class Shadowing:
    """Stands in for a routing with a release in shadow."""

    def pin(self, conversation: bytes) -> Pinned:
        assert conversation == b"conversation"
        return Pinned("a" * 64, "b" * 64)


async def test_a_release_in_shadow_gets_a_copy_that_says_so_and_has_no_deadline() -> None:
    handlers = Handlers(build(SETTINGS, Shadowing()))
    await handlers.prepare()
    data = {"question": "Why?", "deadline": "2123-11-14T22:13:20Z"}
    accepted, copy = await handlers.handle(submitted(topics.REQUESTS, data))

    assert (accepted.topic, header(accepted, "ce_release")) == ("t.requests.accepted", b"a" * 64)
    assert (copy.topic, header(copy, "ce_release")) == ("t.shadows.requested", b"b" * 64)
    assert (copy.key, copy.partition) == (accepted.key, accepted.partition)
    assert "ce_deadline" not in dict(copy.headers)
    original = events.RequestAccepted.model_validate_json(accepted.value or b"")
    copied = events.ShadowRequested.model_validate_json(copy.value or b"")
    assert dict(copied) == {**dict(original), "release": "b" * 64, "deadline": None}


async def test_what_a_request_is_pinned_to_is_counted_by_release_and_part() -> None:
    service = build(SETTINGS, Shadowing())
    handlers, metrics = Handlers(service), Metrics()
    await handlers.prepare()
    assert service.measured is not None
    service.measured(metrics)
    for offset, data in enumerate(({"question": "Why?"}, {"question": "Why?"})):
        await handlers.handle(submitted(topics.REQUESTS, data, offset))
    assert metrics.counted(REQUESTS_PINNED) == {
        ("a" * 12, "promoted"): 1,
        ("b" * 12, "shadow"): 1,
    }


async def test_a_release_in_shadow_gets_no_copy_of_what_is_rejected_or_repeated() -> None:
    handlers = Handlers(build(SETTINGS, Shadowing()))
    await handlers.prepare()
    for offset, data in enumerate(({}, {"question": "Why?"})):
        outputs = await handlers.handle(submitted(topics.REQUESTS, data, offset))
        assert [each.topic for each in outputs] in (
            ["t.requests.rejected"],
            ["t.requests.duplicated"],
        )


async def test_a_duplicate_does_not_hand_a_senders_own_deadline_on(submit: Submit) -> None:
    forged = (("ce_deadline", b"2001-01-01T00:00:00Z"),)
    await submit(topics.REQUESTS, {"question": "Why?"})
    output = await submit(topics.REQUESTS, {"question": "Why?"}, headers=forged)
    assert output.topic == "t.requests.duplicated"
    assert "ce_deadline" not in dict(output.headers)


@pytest.mark.parametrize("data", [{}, [], "What?", 7, {"question": " "}, {"request": 1}])
async def test_json_that_is_no_request_is_rejected_and_not_dead_lettered(
    submit: Submit, data: Any
) -> None:
    output = await submit(topics.REQUESTS, data)
    assert output.topic == "t.requests.rejected"
    rejected = events.RequestRejected.model_validate_json(output.value or b"")
    assert (rejected.request_id, rejected.request_source) == ("q-1", "/crm")


async def test_a_second_record_of_a_request_ends_as_a_duplicate_and_nowhere_else(
    submit: Submit,
) -> None:
    ways = [(await submit(topics.REQUESTS, {"question": "Why?"})).topic for _ in range(3)]
    assert ways == ["t.requests.accepted", "t.requests.duplicated", "t.requests.duplicated"]


async def test_a_second_record_of_a_rejected_request_is_a_duplicate_too(submit: Submit) -> None:
    ways = [(await submit(topics.REQUESTS, {"question": q})).topic for q in ("", "Why?")]
    assert ways == ["t.requests.rejected", "t.requests.duplicated"]


async def test_the_same_id_under_another_key_is_another_request(submit: Submit) -> None:
    for key in (b"one", b"two", None):
        output = await submit(topics.REQUESTS, {"question": "Why?"}, key=key)
        assert (output.topic, output.key) == ("t.requests.accepted", key)


async def test_a_handler_that_is_called_again_for_its_record_makes_the_same_event() -> None:
    handlers = Handlers(build(SETTINGS))
    await handlers.prepare()
    record = submitted(topics.REQUESTS, {"question": "Why?"})
    (first,), (again,) = await handlers.handle(record), await handlers.handle(record)
    assert (again.topic, again.value) == (first.topic, first.value)
    assert header(again, "ce_id") == header(first, "ce_id")


@pytest.mark.parametrize("topic", [topics.REQUESTS, topics.RETRIES["ingest"]])
async def test_history_is_read_before_any_topic_that_requests_come_through_and_dropped_after(
    topic: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[tuple[str, int]] = []

    async def rebuild(_: Duplicates, partition: int) -> None:
        calls.append(("rebuild", partition))

    monkeypatch.setattr(Duplicates, "rebuild", rebuild)
    monkeypatch.setattr(Duplicates, "forget", lambda _, each: calls.append(("forget", each)))
    service = build(SETTINGS)
    assert service.on_assigned is not None
    assert service.on_revoked is not None
    for name in (SETTINGS.topic(topic), SETTINGS.topic(topics.DOCUMENTS)):
        await service.on_assigned(name, 3)
        await service.on_revoked(name, 3)
    assert calls == [("rebuild", 3), ("forget", 3)]


async def test_an_unreadable_record_does_not_use_its_id_up() -> None:
    handlers = Handlers(build(SETTINGS))
    await handlers.prepare()
    record = submitted(topics.REQUESTS, {"question": "Why?"})
    broken = Record("t.requests", 3, 0, 0, record.key, b"{", record.headers)
    with pytest.raises(UnreadableError):
        await handlers.handle(broken)
    (output,) = await handlers.handle(submitted(topics.REQUESTS, {"question": "Why?"}, 1))
    assert output.topic == "t.requests.accepted"


async def test_the_senders_tenant_goes_on_and_a_malformed_one_does_not(submit: Submit) -> None:
    accepted = await submit(topics.REQUESTS, {"question": "Why?"}, tenant=b"bank")
    assert header(accepted, "ce_tenant") == b"bank"
    rejected = await submit(topics.REQUESTS, {"question": "Why?"}, tenant=b"../x", name="q-2")
    assert rejected.topic == "t.requests.rejected"
    assert header(rejected, "ce_tenant") == b"default"


async def test_a_document_is_accepted_under_tenant_and_document_id(submit: Submit) -> None:
    document = {"document_id": "policy", "title": "Policy", "text": "One. Two."}
    output = await submit(topics.DOCUMENTS, document, tenant=b"bank")
    assert (output.topic, output.key) == ("t.documents.accepted", b"bank/policy")
    assert output.partition is None  # the key's hash decides, so that compaction sees all states
    accepted = events.DocumentAccepted.model_validate_json(output.value or b"")
    assert [passage.text for passage in accepted.passages] == ["One. Two."]


async def test_a_document_may_be_sent_again_under_the_same_id(submit: Submit) -> None:
    for text in ("Old.", "New."):
        output = await submit(topics.DOCUMENTS, {"document_id": "policy", "text": text})
        assert output.topic == "t.documents.accepted"


async def test_a_document_that_is_rejected_keeps_the_senders_key(submit: Submit) -> None:
    output = await submit(topics.DOCUMENTS, {"document_id": "policy"}, key=b"theirs")
    assert (output.topic, output.key, output.partition) == ("t.documents.rejected", b"theirs", 3)


@pytest.mark.parametrize(
    ("rating", "way"), [("wrong", "t.feedback.accepted"), ("bad", "t.feedback.rejected")]
)
async def test_feedback_is_accepted_or_rejected(submit: Submit, rating: str, way: str) -> None:
    output = await submit(topics.FEEDBACK, {"request_id": "q-1", "rating": rating})
    assert output.topic == way


async def test_the_contract_shows_what_senders_submit() -> None:
    specification = AsyncAPI(build(SETTINGS).broker, schema_version="3.0.0").to_specification()
    schemas = json.loads(specification.to_json())["components"]["schemas"].values()
    shown = [set(schema.get("properties", ())) for schema in schemas]
    for model in (events.RequestSubmitted, events.DocumentSubmitted, events.FeedbackSubmitted):
        assert set(model.model_fields) in shown
