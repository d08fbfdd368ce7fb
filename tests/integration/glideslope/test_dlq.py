"""`dlq` on real Kafka: what became a dead letter is found, looked into, and sent back once."""

import asyncio
import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer

from glideslope import cluster, operations, redrive
from glideslope.dead_letters import Letter, Position, read_all
from glideslope.redrive import OvertakenError, Selection, TooLargeError
from glideslope.status import take_stock
from glideslope.terminal import Exit
from shared import topics
from shared.cloudevents import Event
from shared.delivery import Record
from shared.delivery.dead_letters import dead_letter
from shared.events import Operation, RequestAccepted, RequestSubmitted, Result
from shared.release import UnknownReleaseError
from shared.settings import Settings
from shared.topics import Topic
from tests.integration.glideslope.conftest import Run, Service

pytestmark = pytest.mark.kafka

DAY = timedelta(days=1)
ODD: list[tuple[str, bytes | None]] = [("null", None), ("binary", b"\xff\xfe")]
WHO = Operation(operator="ann", action=operations.REDRIVE, topic="dead.letters", offsets=())


@dataclass
class Failing:
    """Puts dead letters of records that nobody could handle."""

    settings: Settings

    async def put(  # noqa: PLR0913 - a dead letter has this many parts
        self,
        topic: Topic,
        value: bytes | None,
        error: Exception,
        *,
        id: str = "1",  # noqa: A002 - the attribute's name
        service: str = "inference",
        partition: int = 0,
        headers: list[tuple[str, bytes | None]] | None = None,
    ) -> tuple[Position, Record]:
        """Put one; return where it is, and the record that it is made of."""
        event = Event(id=id, type=topic.event_type, source="/desk", data=b"", foreign=tuple(ODD))
        record = Record(
            topic=self.settings.topic(topic),
            partition=partition,
            offset=4711,
            timestamp=1_700_000_000_000,
            key=b"talk-" + id.encode(),
            value=value,
            headers=tuple(event.headers() if headers is None else headers),
        )
        letter = dead_letter(
            record,
            error,
            topic=self.settings.topic(topics.DEAD_LETTERS),
            service=service,
            attempts=3,
        )
        async with cluster.producer(self.settings) as producer:
            sent = await producer.send_and_wait(
                letter.topic,
                key=letter.key,
                value=letter.value,
                headers=list(letter.headers),
                partition=letter.partition,
            )
        return Position(sent.partition, sent.offset), record


@pytest.fixture
def failing(settings: Settings, topics: None) -> Failing:  # noqa: ARG001 - they must exist
    return Failing(settings)


async def committed(settings: Settings, *wanted: Topic) -> list[Record]:
    async with cluster.reader(settings, *wanted) as reader:
        return [record async for _, record in reader.to_end()]


async def recorded(settings: Settings) -> list[Operation]:
    found = [operations.read(record) for record in await committed(settings, topics.OPERATIONS)]
    return [each for each in found if each is not None]


async def letters(settings: Settings) -> list[Letter]:
    return [letter async for _, letter in read_all(settings) if letter is not None]


async def test_a_redriven_record_is_as_it_was_but_for_the_count(
    settings: Settings, failing: Failing, glideslope: Run
) -> None:
    position, first = await failing.put(
        topics.REQUESTS_ACCEPTED, b"\xff\x00", RuntimeError("boom"), partition=1
    )

    dry = await glideslope("dlq", "redrive", "--dry-run")
    assert await committed(settings, topics.REQUESTS_ACCEPTED) == []
    ended = await glideslope("dlq", "redrive", "--yes", "--operator", "ann", "--reason", "mended")
    again = await glideslope("dlq", "redrive", "--yes")

    assert (dry.code, ended.code, again.code) == (0, 0, 0), dry.err + ended.err + again.err
    assert str(position) in dry.out
    assert "1 redriven" in ended.out
    assert "0 redriven" in again.out
    [back] = await committed(settings, topics.REQUESTS_ACCEPTED)
    assert (back.partition, back.key, back.value) == (1, first.key, first.value)
    assert back.headers == (*first.headers, ("glideslope-redrives", b"1"))
    [operation] = await recorded(settings)
    assert (operation.operator, operation.action, operation.reason) == (
        "ann",
        "dlq.redrive",
        "mended",
    )
    assert [(each.first, each.last) for each in operation.offsets] == [(position.offset,) * 2]


async def test_what_was_not_selected_can_be_redriven_later(
    settings: Settings, failing: Failing, glideslope: Run
) -> None:
    for number in range(6):
        error = UnknownReleaseError("r") if number % 2 else RuntimeError("boom")
        await failing.put(topics.REQUESTS_ACCEPTED, b"%d" % number, error, partition=number // 3)

    where = "service=inference reason-code=UnknownReleaseError source-topic=requests.accepted"
    some = await glideslope("dlq", "redrive", "--yes", "--json", "--where", where)
    one = await glideslope("dlq", "redrive", "--yes", "--json", "--limit", "1")
    rest = await glideslope("dlq", "redrive", "--yes", "--json")

    assert [json.loads(each.out)["sent"] for each in (some, one, rest)] == [3, 1, 2], some.err
    assert json.loads(one.out)["beyond_limit"] == 2
    assert json.loads(rest.out)["redriven_before"] == 4
    values = [record.value for record in await committed(settings, topics.REQUESTS_ACCEPTED)]
    assert sorted(each or b"" for each in values) == [b"%d" % number for number in range(6)]


async def test_a_record_that_fails_again_is_marked_and_never_loops(
    settings: Settings, failing: Failing, glideslope: Run
) -> None:
    await failing.put(topics.REQUESTS_ACCEPTED, b"{}", RuntimeError("boom"))
    await glideslope("dlq", "redrive", "--yes")
    [back] = await committed(settings, topics.REQUESTS_ACCEPTED)
    position, _ = await failing.put(
        topics.REQUESTS_ACCEPTED, back.value, RuntimeError("boom"), headers=list(back.headers)
    )

    listed = await glideslope("dlq", "list", "--json")
    without = await glideslope("dlq", "redrive", "--yes", "--json")
    with_again = await glideslope(
        "dlq", "redrive", "--yes", "--json", "--again", "--position", str(position)
    )

    [group] = json.loads(listed.out)
    assert (group["letters"], group["redriven"], group["failed_again"]) == (2, 1, 1)
    assert (group["to_redrive"], group["example"]) == (1, str(position))
    assert json.loads(without.out)["sent"] == 0
    assert json.loads(without.out)["failed_again"] == 1
    assert json.loads(with_again.out)["sent"] == 1, with_again.err
    *_, last = await committed(settings, topics.REQUESTS_ACCEPTED)
    assert [value for name, value in last.headers if name.startswith("glideslope-")] == [b"2"]


async def test_the_list_groups_by_cause_and_says_what_to_do(
    failing: Failing, service: Service, glideslope: Run
) -> None:
    await failing.put(topics.REQUESTS_ACCEPTED, b"{}", UnknownReleaseError("r"))
    await failing.put(topics.REQUESTS_ACCEPTED, b"{}", UnknownReleaseError("r"), partition=1)
    await failing.put(topics.ANSWERS_DRAFTED, b"{}", RuntimeError("boom"), service="validator")
    await service.put(topics.DEAD_LETTERS, b"stray", headers=[])

    ended = await glideslope("dlq", "list")
    await glideslope("dlq", "redrive", "--yes", "--where", "service=validator")
    after = await glideslope("dlq", "list")
    everything = await glideslope("dlq", "list", "--all", "--json")

    assert ended.code == Exit.OK
    assert "UnknownReleaseError in inference on requests.accepted" in ended.out
    assert "letters: 2, 2 of them to redrive" in ended.out
    assert "register the release" in ended.out
    assert "RuntimeError in validator on answers.drafted" in ended.out
    assert "dead.letters/0/" in ended.err, "the stray record is told"
    assert "RuntimeError" not in after.out
    assert "1 more with everything redriven" in after.out
    assert {group["service"]: group["redriven"] for group in json.loads(everything.out)} == {
        "inference": 0,
        "validator": 1,
    }


async def test_show_says_nothing_of_the_content_until_the_reason_is_on_record(
    settings: Settings, failing: Failing, glideslope: Run
) -> None:
    said = "Does Hedda Gabler owe us 4,711 euros?"
    data = {"question": said, "metadata": {"hedda@example.org": "x"}}
    event = Event("q-9", topics.REQUESTS.event_type, "/desk", b"", subject="hedda@example.org")
    headers = [*event.headers(), ("note", said.encode())]
    position, _ = await failing.put(
        topics.REQUESTS,
        json.dumps(data).encode(),
        RuntimeError(f"cannot handle {said}"),
        id="q-9",
        headers=headers,
        service="ingest",
    )

    masked = await glideslope("dlq", "show", str(position))
    masked_as_json = await glideslope("dlq", "show", "q-9", "--json")
    unexplained = await glideslope("dlq", "show", "q-9", "--reveal")
    assert await recorded(settings) == []
    revealed = await glideslope(
        "dlq", "show", "q-9", "--reveal", "--reason", "she complained", "--operator", "ann"
    )

    for shown in (masked.out, masked_as_json.out):
        assert "Hedda" not in shown
        assert "hedda" not in shown
        assert "q-9" in shown
    assert '"question": "<text, 37 characters>"' in masked.out
    assert unexplained.code == Exit.USAGE
    assert said in revealed.out
    assert "hedda@example.org" in revealed.out
    [operation] = await recorded(settings)
    assert (operation.operator, operation.action) == ("ann", "dlq.reveal")
    assert (operation.reason, operation.selection) == ("she complained", str(position))


async def test_a_dead_letter_is_found_by_its_id_or_told_apart_by_position(
    failing: Failing, accepted: Callable[..., RequestAccepted], glideslope: Run
) -> None:
    value = accepted("q-1", "/desk").model_dump_json().encode()
    first, _ = await failing.put(topics.REQUESTS_ACCEPTED, value, RuntimeError("boom"), id="uuid")
    second, _ = await failing.put(topics.REQUESTS, b"{", RuntimeError("boom"), id="q-1")

    by_event = await glideslope("dlq", "show", "uuid", "--json")
    unclear = await glideslope("dlq", "show", "q-1")
    unknown = await glideslope("dlq", "show", "dead.letters/1/99")

    assert json.loads(by_event.out)["position"] == str(first)
    assert json.loads(by_event.out)["ids"] == ["uuid", "q-1"]
    assert unclear.code == Exit.FAILED
    assert f"{first}, {second}" in unclear.err
    assert unknown.code == Exit.FAILED
    assert "dlq list --all" in unknown.err


async def test_a_position_without_a_dead_letter_sends_nothing(
    settings: Settings, failing: Failing, glideslope: Run
) -> None:
    position, _ = await failing.put(topics.REQUESTS_ACCEPTED, b"{}", RuntimeError("boom"))

    ended = await glideslope(
        *("dlq", "redrive", "--yes", "--position", str(position), "--position", "0/99")
    )

    assert ended.code == Exit.FAILED
    assert "no dead letter dead.letters/0/99" in ended.err
    assert await committed(settings, topics.REQUESTS_ACCEPTED) == []


async def test_without_a_terminal_and_yes_nothing_is_sent(
    settings: Settings, failing: Failing, glideslope: Run
) -> None:
    await failing.put(topics.REQUESTS_ACCEPTED, b"{}", RuntimeError("boom"))

    ended = await glideslope("dlq", "redrive")

    assert ended.code == Exit.USAGE
    assert "--yes" in ended.err
    assert await committed(settings, topics.REQUESTS_ACCEPTED) == []


async def test_missing_topics_are_one_line(glideslope: Run) -> None:
    for arguments in (["list"], ["show", "0/1"], ["redrive", "--yes"]):
        ended = await glideslope("dlq", *arguments)
        assert ended.code == Exit.CLUSTER
        assert "glideslope topics create" in ended.err
        assert ended.err.count("\n") == 1, ended.err


@pytest.mark.parametrize("step", ["send_and_wait", "commit_transaction"])
async def test_what_breaks_in_a_transaction_is_sent_once_by_the_next_command(
    settings: Settings, failing: Failing, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    for number in range(5):
        await failing.put(topics.REQUESTS_ACCEPTED, b"%d" % number, RuntimeError("boom"))
    plan = await redrive.plan(Selection(), settings)
    original = getattr(AIOKafkaProducer, step)

    async def breaking(self: AIOKafkaProducer, *given: Any, **named: Any) -> Any:
        if step == "commit_transaction":  # it is committed, but the command does not hear of it
            await original(self, *given, **named)
        raise ConnectionResetError(step)

    with monkeypatch.context() as patch:
        patch.setattr(AIOKafkaProducer, step, breaking)
        with pytest.raises(ConnectionResetError):
            await redrive.redrive(plan.letters, settings, WHO)
    await redrive.redrive(plan.letters, settings, WHO)

    values = [record.value for record in await committed(settings, topics.REQUESTS_ACCEPTED)]
    assert values == [b"%d" % number for number in range(5)]


async def test_of_two_at_once_each_letter_is_sent_by_one(
    settings: Settings, failing: Failing
) -> None:
    for number in range(40):
        await failing.put(topics.REQUESTS_ACCEPTED, b"%d" % number, RuntimeError("boom"))
    plan = await redrive.plan(Selection(), settings)

    ended = await asyncio.gather(
        *(redrive.redrive(plan.letters, settings, WHO) for _ in range(3)), return_exceptions=True
    )
    await redrive.redrive(plan.letters, settings, WHO)

    assert all(isinstance(each, int | OvertakenError) for each in ended), ended
    values = [record.value for record in await committed(settings, topics.REQUESTS_ACCEPTED)]
    assert values == [b"%d" % number for number in range(40)]


async def test_a_record_that_came_compressed_goes_back(
    settings: Settings, failing: Failing
) -> None:
    large = b"x" * (topics.REQUESTS.max_bytes + 1)
    await failing.put(topics.REQUESTS, large, RuntimeError("boom"), service="ingest")
    plan = await redrive.plan(Selection(), settings)

    await redrive.redrive(plan.letters, settings, WHO)

    assert [record.value for record in await committed(settings, topics.REQUESTS)] == [large]


async def test_a_record_that_does_not_fit_any_more_is_named(
    settings: Settings, failing: Failing
) -> None:
    large = random.Random(7).randbytes(topics.REQUESTS.max_bytes + 1)
    position, _ = await failing.put(topics.REQUESTS, large, RuntimeError("boom"), service="ingest")
    plan = await redrive.plan(Selection(), settings)

    with pytest.raises(TooLargeError, match=f"{position}, 1,048,577 bytes"):
        await redrive.redrive(plan.letters, settings, WHO)

    assert await recorded(settings) == []


async def test_the_reconciliation_adds_up_before_and_after_a_redrive(
    settings: Settings,
    service: Service,
    failing: Failing,
    accepted: Callable[..., RequestAccepted],
    result: Callable[..., Result],
) -> None:
    await service.put(topics.REQUESTS, RequestSubmitted(question="?"), key=b"talk-1")
    value = accepted("1", "/desk").model_dump_json().encode()
    await failing.put(topics.REQUESTS_ACCEPTED, value, RuntimeError("boom"))
    [letter] = await letters(settings)

    async def standing() -> tuple[int, int, int]:
        equation = (await take_stock(settings, DAY)).reconciliation
        assert equation.adds_up
        return equation.dead_letters, equation.in_flight, equation.results

    before = await standing()
    await redrive.redrive([letter], settings, WHO)
    meanwhile = await standing()
    await service.put(topics.RESULTS, result("1"), key=b"talk-1")
    after = await standing()

    assert (before, meanwhile, after) == ((1, 0, 0), (0, 1, 0), (0, 0, 1))
