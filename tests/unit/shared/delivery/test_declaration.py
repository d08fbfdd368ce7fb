from typing import Annotated

import pytest
from faststream import Depends
from pydantic import ValidationError

from shared import events, telemetry, topics
from shared.cloudevents import UnreadableError, derived_id, read
from shared.delivery import Cause, Handlers, Record, Service, Source, event_broker
from shared.delivery.errors import OutputTooLargeError
from shared.settings import Settings

SETTINGS = Settings(topic_prefix="t.")
HEADERS = (
    ("ce_specversion", b"1.0"),
    ("ce_id", b"q-1"),
    ("ce_type", topics.REQUESTS.event_type.encode()),
    ("ce_source", b"/desk"),
    ("ce_subject", b"person-7"),
    ("ce_tenant", b"blue"),
    ("null", None),
    ("binary", b"\xff\xfe"),
)


def record(value: bytes | None = b'{"question": "why?"}', **changes: object) -> Record:
    parts: dict[str, object] = {
        "topic": "t.requests",
        "partition": 1,
        "offset": 7,
        "timestamp": 0,
        "key": b"conversation",
        "value": value,
        "headers": HEADERS,
    }
    return Record(**(parts | changes))  # type: ignore[arg-type] # a record's own fields


async def rejecting(message: str = "no", key: bytes | None = None) -> Handlers:
    broker = event_broker(SETTINGS)
    rejected = broker.publisher(SETTINGS.topic(topics.REQUESTS_REJECTED))

    @broker.subscriber(SETTINGS.topic(topics.REQUESTS))
    async def reject(data: events.RequestSubmitted, cause: Cause) -> None:
        await rejected.publish(
            events.RequestRejected(
                request_id=cause.id,
                request_source=cause.source,
                code=data.question,
                message=message,
            ),
            key=key,
        )

    handlers = Handlers(Service("ingest", broker, SETTINGS))
    await handlers.prepare()
    return handlers


async def test_a_published_model_becomes_an_event_derived_from_its_cause() -> None:
    (output,) = await (await rejecting()).handle(record())
    assert output.topic == "t.requests.rejected"
    assert (output.key, output.partition) == (b"conversation", 1)
    event = read(output.value, output.headers)
    assert event.id == derived_id("/desk", "q-1", "requests.rejected")
    assert event.type == "glideslope.request.rejected.v1"
    assert event.source == "/glideslope/ingest"
    assert (event.subject, event.tenant) == ("person-7", "blue")
    assert event.foreign == (("null", None), ("binary", b"\xff\xfe"))
    rejected = events.RequestRejected.model_validate_json(event.data)
    assert (rejected.request_id, rejected.code) == ("q-1", "why?")


async def test_how_often_a_record_was_redriven_is_not_said_of_what_comes_of_it() -> None:
    redriven = record(headers=(*record().headers, ("glideslope-redrives", b"1")))
    (output,) = await (await rejecting()).handle(redriven)
    foreign = read(output.value, output.headers).foreign
    assert foreign == (("null", None), ("binary", b"\xff\xfe"))


async def test_a_redelivered_record_makes_the_same_event_again() -> None:
    handlers = await rejecting()
    ids = [read(o.value, o.headers).id for _ in range(2) for o in await handlers.handle(record())]
    assert len(ids) == 2
    assert len(set(ids)) == 1


async def test_a_key_of_the_handlers_own_chooses_the_partition() -> None:
    (output,) = await (await rejecting(key=b"own")).handle(record())
    assert (output.key, output.partition) == (b"own", None)


async def test_a_returned_model_leaves_through_a_publisher_decorator() -> None:
    broker = event_broker(SETTINGS)

    @broker.publisher(SETTINGS.topic(topics.REQUESTS_DUPLICATED))
    @broker.subscriber(SETTINGS.topic(topics.REQUESTS))
    async def duplicate(cause: Cause) -> events.RequestDuplicated:
        return events.RequestDuplicated(request_id=cause.id, request_source=cause.source)

    handlers = Handlers(Service("ingest", broker, SETTINGS))
    await handlers.prepare()
    (output,) = await handlers.handle(record())
    assert output.topic == "t.requests.duplicated"
    assert output.key == b"conversation"


async def test_a_handler_that_asks_for_more_goes_through_faststream() -> None:
    broker = event_broker(SETTINGS)

    async def tenant(cause: Cause) -> str | None:
        return cause.tenant

    @broker.publisher(SETTINGS.topic(topics.REQUESTS_REJECTED))
    @broker.subscriber(SETTINGS.topic(topics.REQUESTS))
    async def reject(
        data: events.RequestSubmitted, tenant: Annotated[str, Depends(tenant)]
    ) -> events.RequestRejected:
        return events.RequestRejected(
            request_id=data.question, request_source="/desk", code="no", message=tenant
        )

    handlers = Handlers(Service("ingest", broker, SETTINGS))
    await handlers.prepare()
    (output,) = await handlers.handle(record())
    rejected = events.RequestRejected.model_validate_json(output.value or b"")
    assert (rejected.request_id, rejected.message) == ("why?", "blue")
    with pytest.raises(UnreadableError):
        await handlers.handle(record(b"{"))


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (record(None), "tombstone"),
        (record(b"{"), "bad_json"),
        (record(headers=HEADERS[1:]), "specversion"),
        (record(headers=(*HEADERS[:2], ("ce_type", b"other"), *HEADERS[3:])), "wrong_type"),
    ],
)
async def test_a_record_that_is_no_event_of_its_topic_is_unreadable(bad: Record, code: str) -> None:
    with pytest.raises(UnreadableError) as error:
        await (await rejecting()).handle(bad)
    assert error.value.code == code


async def test_data_of_the_wrong_shape_is_told_apart_from_an_unreadable_record() -> None:
    with pytest.raises(ValidationError):
        await (await rejecting()).handle(record(b'{"question": 7}'))


async def test_an_output_larger_than_its_topic_takes_is_refused() -> None:
    handlers = await rejecting("x" * topics.REQUESTS_REJECTED.max_bytes)
    with pytest.raises(OutputTooLargeError, match=r"requests\.rejected"):
        await handlers.handle(record())


async def test_a_raw_handler_gets_what_nobody_else_can_read() -> None:
    broker = event_broker(SETTINGS, raw=True)
    seen: list[Record] = []

    @broker.subscriber(SETTINGS.topic(topics.REQUESTS), SETTINGS.topic(topics.DEAD_LETTERS))
    async def append(source: Source) -> None:
        seen.append(source)

    handlers = Handlers(Service("audit", broker, SETTINGS))
    assert handlers.topics == {"t.requests", "t.dead.letters"}
    await handlers.prepare()
    odd = record(b"\xff", topic="t.dead.letters", headers=(("null", None),))
    assert await handlers.handle(odd) == []
    assert seen == [odd]


async def test_while_a_handler_runs_the_logs_are_about_its_record_and_no_longer() -> None:
    broker = event_broker(SETTINGS)
    handled: list[tuple[str, str, int, int, bytes | None]] = []

    @broker.subscriber(SETTINGS.topic(topics.REQUESTS))
    async def look(data: events.RequestSubmitted) -> None:
        about = telemetry.handled.get()
        assert about is not None
        handled.append((data.question, about.topic, about.partition, about.offset, about.value))

    handlers = Handlers(Service("ingest", broker, SETTINGS))
    await handlers.prepare()
    await handlers.handle(record())

    assert handled == [("why?", "t.requests", 1, 7, record().value)]
    assert telemetry.handled.get() is None
