import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
import stamina
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import format_span_id

from shared import events, telemetry, topics
from shared.delivery import (
    FatalError,
    Handlers,
    OverloadedError,
    PermanentError,
    Record,
    RetryableError,
    Service,
    event_broker,
)
from shared.delivery.attempts import Attempts, Rounds
from shared.delivery.breakers import DependencyBreakers, PoisonBreaker
from shared.delivery.errors import NotYetError, PoisonError
from shared.delivery.record import Output
from shared.delivery.retries import Retry
from shared.delivery.slots import Slots
from shared.settings import Settings

SETTINGS = Settings()
RECORD = Record(
    "requests",
    2,
    7,
    0,
    b"key",
    b'{"question": "why?"}',
    (
        ("ce_specversion", b"1.0"),
        ("ce_id", b"q-1"),
        ("ce_type", topics.REQUESTS.event_type.encode()),
        ("ce_source", b"/desk"),
        ("null", None),
    ),
)


@pytest.fixture(autouse=True)
def without_waiting() -> Iterator[None]:
    """Tries follow each other at once; how long stamina waits is its own affair."""
    with stamina.set_testing(True, attempts=3, cap=True):
        yield


@dataclass
class Bench:
    """Attempts around a handler that fails as it is told to."""

    errors: list[Exception] = field(default_factory=list)
    delays: tuple[float, ...] = (5.0, 30.0)
    in_order: frozenset[str] = frozenset()
    foreign: frozenset[str] = frozenset()
    aside: frozenset[str] = frozenset()
    slots: Slots = field(default_factory=lambda: Slots(4, aside=1))
    dependencies: DependencyBreakers = field(default_factory=lambda: DependencyBreakers(2, 0.01))
    tries: int = 0
    tried: asyncio.Event = field(default_factory=asyncio.Event)
    answering: asyncio.Event | None = None
    tripped: list[PoisonError] = field(default_factory=list)

    async def attempts(self) -> Attempts:
        broker = event_broker(SETTINGS)

        @broker.publisher("requests.rejected")
        @broker.subscriber("requests")
        async def handle(data: events.RequestSubmitted) -> events.RequestRejected:
            self.tries += 1
            self.tried.set()
            if self.answering is not None:
                await self.answering.wait()
            if self.errors:
                raise self.errors.pop(0)
            return events.RequestRejected(
                request_id="q-1", request_source="/desk", code="done", message=data.question
            )

        handlers = Handlers(Service("ingest", broker, SETTINGS))
        await handlers.prepare()
        return Attempts(
            handlers,
            Rounds(
                3,
                self.delays,
                "ingest.retry",
                "dead.letters",
                self.in_order,
                self.foreign,
                self.aside,
            ),
            service="ingest",
            slots=self.slots,
            dependencies=self.dependencies,
            poison=PoisonBreaker(run=3, share=0.5, window=100, trip=self.tripped.append),
        )

    async def outputs(self, record: Record = RECORD) -> list[Output]:
        return await outputs_of(await self.attempts(), record)

    async def has_tried(self, times: int) -> None:
        while self.tries < times:
            self.tried.clear()
            await asyncio.wait_for(self.tried.wait(), 5)


async def outputs_of(attempts: Attempts, record: Record) -> list[Output]:
    """Do with a record what a partition's worker does."""
    if record.topic == "ingest.retry":
        return await attempts.further(record, None)
    try:
        return await attempts.first(record, object())
    except FatalError:
        raise
    except Exception as error:  # noqa: BLE001 - as the worker does
        return await attempts.further(record, error)


def as_record(output: Output) -> Record:
    return Record(output.topic, 2, 99, 0, output.key, output.value, output.headers)


def told(output: Output, name: str) -> str:
    return (dict(output.headers)[name] or b"").decode()


async def test_an_error_that_passes_is_tried_again_at_once() -> None:
    bench = Bench([ValueError("once"), ValueError("twice")])
    (output,) = await bench.outputs()
    assert output.topic == "requests.rejected"
    assert bench.tries == 3


async def test_an_error_that_stays_sends_the_record_to_the_retry_topic_with_its_due_time() -> None:
    bench = Bench([ValueError("no")] * 3)
    (output,) = await bench.outputs()
    assert output.topic == "ingest.retry"
    assert (output.key, output.value, output.partition) == (b"key", RECORD.value, 2)
    retry = Retry.read(as_record(output))
    assert retry.record == RECORD
    assert (retry.attempts, retry.round, retry.cause) == (3, 1, "ValueError")
    due = datetime.fromtimestamp(retry.due / 1000, UTC) - datetime.now(UTC)
    assert timedelta(seconds=3) < due <= timedelta(seconds=5)


async def test_a_record_from_the_retry_topic_is_handled_as_what_it_was() -> None:
    retry = Retry(RECORD, attempts=3, round=1)
    (output,) = await Bench().outputs(as_record(retry.output("ingest.retry")))
    assert output.topic == "requests.rejected"
    assert output.partition == 2
    assert not any(name.startswith("glideslope-retry-") for name, _ in output.headers)


async def test_after_the_last_round_a_record_becomes_a_dead_letter_with_all_its_tries() -> None:
    retry = Retry(RECORD, attempts=6, round=2)
    bench = Bench([ValueError("no")] * 3)
    (letter,) = await bench.outputs(as_record(retry.output("ingest.retry")))
    assert letter.topic == "dead.letters"
    assert told(letter, "glideslope-attempts") == "9"
    assert told(letter, "glideslope-source-topic") == "requests"
    assert told(letter, "glideslope-source-offset") == "7"
    assert letter.headers[: len(RECORD.headers)] == RECORD.headers


async def test_a_permanent_error_is_not_tried_again() -> None:
    bench = Bench([PermanentError("never")])
    (letter,) = await bench.outputs()
    assert letter.topic == "dead.letters"
    assert told(letter, "glideslope-attempts") == "1"
    assert bench.tries == 1


async def test_a_provider_that_says_when_to_come_back_is_heeded() -> None:
    bench = Bench([RetryableError("429", retry_after=60)])
    (output,) = await bench.outputs()
    assert output.topic == "ingest.retry"
    assert bench.tries == 1
    due = datetime.fromtimestamp(Retry.read(as_record(output)).due / 1000, UTC)
    assert due - datetime.now(UTC) > timedelta(seconds=58)


async def test_a_record_whose_deadline_comes_before_its_next_round_is_given_up() -> None:
    soon = (datetime.now(UTC) + timedelta(seconds=2)).isoformat().encode()
    record = replace(RECORD, headers=(*RECORD.headers, ("ce_deadline", soon)))
    (letter,) = await Bench([ValueError("no")] * 3).outputs(record)
    assert letter.topic == "dead.letters"
    assert told(letter, "glideslope-reason-code") == "DeadlineError"
    assert "ValueError" in told(letter, "glideslope-reason")


async def test_a_senders_own_deadline_does_not_switch_retries_off() -> None:
    record = replace(RECORD, headers=(*RECORD.headers, ("ce_deadline", b"2020-01-01T00:00:00Z")))
    bench = Bench([ValueError("no")] * 3, foreign=frozenset({"requests"}))
    (output,) = await bench.outputs(record)
    assert output.topic == "ingest.retry"


async def test_a_record_of_an_ordered_topic_waits_in_place() -> None:
    bench = Bench([ValueError("no")] * 4, delays=(0.01,), in_order=frozenset({"requests"}))
    (output,) = await bench.outputs()
    assert output.topic == "requests.rejected"
    assert bench.tries == 5


async def test_while_a_dependency_is_down_no_try_is_counted_and_nothing_is_dead_lettered() -> None:
    bench = Bench([OverloadedError("model", "503")] * 7)
    (output,) = await bench.outputs()
    assert output.topic == "requests.rejected"
    assert bench.tries == 8


async def test_what_a_record_needs_and_is_not_there_yet_holds_back_no_other() -> None:
    bench = Bench([NotYetError("index", "is being built")] * 7)
    (output,) = await bench.outputs()
    assert output.topic == "requests.rejected"
    assert bench.tries == 8

    breakers = DependencyBreakers(1, 60)
    assert breakers.failed(NotYetError("index", "soon", retry_after=1), "requests") == 1
    assert (breakers.any_known, breakers.open) == (False, [])


async def test_a_fatal_error_is_not_kept_from_the_service() -> None:
    with pytest.raises(FatalError, match="disk"):
        await Bench([FatalError("the disk is gone")]).outputs()


async def test_junk_in_the_retry_topic_becomes_a_dead_letter() -> None:
    (letter,) = await Bench().outputs(replace(RECORD, topic="ingest.retry"))
    assert letter.topic == "dead.letters"
    assert told(letter, "glideslope-reason-code") == "NotARetryError"


async def test_a_run_of_dead_letters_trips_the_poison_breaker_once() -> None:
    bench = Bench([PermanentError("never")] * 5)
    attempts = await bench.attempts()
    for _ in range(5):
        (letter,) = await outputs_of(attempts, RECORD)
        assert letter.topic == "dead.letters"
    (error,) = bench.tripped
    assert "glideslope dlq list" in str(error)
    assert error.exit_code == 3


async def test_a_senders_junk_is_not_taken_for_poison() -> None:
    bench = Bench(foreign=frozenset({"requests"}))
    attempts = await bench.attempts()
    for _ in range(10):
        (letter,) = await outputs_of(attempts, replace(RECORD, value=b"hello"))
        assert letter.topic == "dead.letters"
    assert bench.tripped == []


def test_a_share_of_dead_letters_trips_the_poison_breaker() -> None:
    tripped: list[PoisonError] = []
    breaker = PoisonBreaker(run=100, share=0.5, window=10, trip=tripped.append)
    results: list[Callable[[], None]] = [breaker.good, lambda: breaker.dead("ValueError")] * 5
    for note in results:
        note()
    assert tripped == []
    breaker.dead("ValueError")
    breaker.dead("ValueError")
    assert len(tripped) == 1


async def test_one_record_probes_a_dependency_while_the_others_wait() -> None:
    breakers = DependencyBreakers(1, 0.01)
    breakers.failed(OverloadedError("model", "down"), "requests")
    assert breakers.open == ["model"]
    admitted: list[bool] = []

    async def one() -> None:
        admitted.append(await breakers.admit("requests"))

    tasks = [asyncio.create_task(one()) for _ in range(5)]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    assert admitted == [True]
    breakers.failed(OverloadedError("model", "still down"), "requests")
    breakers.probed()
    await asyncio.wait([t for t in tasks if not t.done()], return_when=asyncio.FIRST_COMPLETED)
    assert admitted == [True, True]
    breakers.succeeded("requests", is_probe=True)
    breakers.probed()
    await asyncio.gather(*tasks)
    assert admitted[2:] == [False, False, False]
    assert breakers.open == []


async def test_a_dependency_is_not_probed_before_the_time_it_asked_for() -> None:
    breakers = DependencyBreakers(1, 0.01)
    loop = asyncio.get_running_loop()
    begun = loop.time()
    breakers.failed(OverloadedError("model", "throttled", retry_after=0.3), "requests")
    await breakers.admit("requests")
    assert loop.time() - begun >= 0.3


def test_failures_of_a_dependency_count_only_in_a_row() -> None:
    breakers = DependencyBreakers(2, 60)
    for _ in range(5):
        breakers.failed(OverloadedError("model", "busy"), "requests")
        breakers.succeeded("requests")
    assert breakers.open == []
    for _ in range(2):
        breakers.failed(OverloadedError("model", "busy"), "requests")
        breakers.succeeded("documents")  # which says nothing of the model
    assert breakers.open == ["model"]


async def test_topics_that_do_not_need_a_dependency_go_on_while_it_is_down() -> None:
    breakers = DependencyBreakers(1, 60)
    breakers.failed(OverloadedError("model", "down"), "requests")
    assert not await asyncio.wait_for(breakers.admit("documents"), 1)
    breakers.succeeded("documents")
    assert breakers.open == ["model"]


def test_what_began_before_a_dependency_went_down_is_no_sign_of_its_recovery() -> None:
    breakers = DependencyBreakers(1, 60)
    breakers.failed(OverloadedError("model", "down"), "requests")
    breakers.succeeded("requests")
    assert breakers.open == ["model"]


async def test_a_provider_that_says_when_to_come_back_is_not_asked_again_before() -> None:
    bench = Bench([OverloadedError("model", "429", retry_after=0.4)])  # one: the breaker is closed
    loop = asyncio.get_running_loop()
    begun = loop.time()
    await bench.outputs()
    assert bench.tries == 2
    assert loop.time() - begun >= 0.4


class Asked(DependencyBreakers):
    """Says when a record asks whether it may be tried."""

    def __init__(self) -> None:
        super().__init__(2, 60)
        self.asked = asyncio.Event()

    async def admit(self, topic: str) -> bool:
        self.asked.set()
        return await super().admit(topic)


async def test_while_a_dependency_is_down_the_first_try_of_a_record_waits_too() -> None:
    breakers = Asked()
    bench = Bench(dependencies=breakers)
    attempts = await bench.attempts()
    for _ in range(2):
        breakers.failed(OverloadedError("model", "503"), "requests")
    first = asyncio.create_task(attempts.first(RECORD, object()))
    asked = asyncio.create_task(breakers.asked.wait())
    await asyncio.wait([first, asked], timeout=5, return_when=asyncio.FIRST_COMPLETED)
    assert (asked.done(), first.done(), bench.tries) == (True, False, 0)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)


async def test_a_first_try_that_succeeds_says_that_what_failed_meanwhile_is_there() -> None:
    bench = Bench(answering=asyncio.Event())
    attempts = await bench.attempts()
    first = asyncio.create_task(attempts.first(RECORD, object()))
    await bench.has_tried(1)
    bench.dependencies.failed(OverloadedError("model", "503"), "requests")
    assert bench.answering is not None
    bench.answering.set()
    await first
    bench.dependencies.failed(OverloadedError("model", "503"), "requests")
    assert bench.dependencies.open == [], "two failures, but not in a row"


async def test_where_spans_are_made_a_first_try_is_one_and_what_it_publishes_names_it() -> None:
    exporter = InMemorySpanExporter()
    telemetry.configure("ingest", SETTINGS, exporter=exporter)
    try:
        (output,) = await Bench().outputs()
    finally:
        telemetry.shut_down()
    (span,) = exporter.get_finished_spans()
    assert span.name == "process requests"
    assert span.context is not None
    assert format_span_id(span.context.span_id) in told(output, "traceparent")


async def test_records_that_wait_for_a_slot_do_not_try_what_went_down_meanwhile() -> None:
    down = [OverloadedError("model", "503", retry_after=60) for _ in range(50)]
    bench = Bench(list(down), answering=asyncio.Event())
    attempts = await bench.attempts()
    tasks = [asyncio.create_task(outputs_of(attempts, RECORD)) for _ in range(50)]
    await bench.has_tried(4)  # all slots are taken
    assert bench.answering is not None
    bench.answering.set()
    await asyncio.wait(tasks, timeout=0.2)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert bench.tries == 4


async def test_however_long_records_aside_take_they_take_no_slot_from_the_others() -> None:
    slots = Slots(1, aside=1)
    copies = Bench(answering=asyncio.Event(), aside=frozenset({"requests"}), slots=slots)
    attempts = await copies.attempts()
    working = [asyncio.create_task(attempts.first(RECORD, number)) for number in range(3)]
    others = Bench(slots=slots)
    await copies.has_tried(1)
    async with asyncio.timeout(10):
        (output,) = await others.outputs()
    assert output.topic == "requests.rejected"
    assert (slots.taken, copies.tries) == (0, 1)
    assert copies.answering is not None
    copies.answering.set()
    await asyncio.gather(*working)
    assert copies.tries == 3


async def test_records_aside_are_neither_poison_nor_the_proof_that_there_is_none() -> None:
    poison = PermanentError("no")
    apart = Bench([poison] * 10, aside=frozenset({"requests"}))
    attempts = await apart.attempts()
    for _ in range(10):
        await outputs_of(attempts, RECORD)
    assert apart.tripped == []
