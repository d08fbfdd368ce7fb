"""The demo, start to end: stack up, documents in, questions out, each to its one end."""

import asyncio
import secrets
import shutil
from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from aiokafka import AIOKafkaProducer
from rich.console import Console

from glideslope import cluster, indexing, kafka
from glideslope.demo.history import history
from glideslope.demo.journey import SOURCE, WAY, Journey, Journeys
from glideslope.demo.show import (
    show_history,
    show_next,
    show_outcomes,
    show_reconciliation,
    watching,
)
from glideslope.desk import Desk
from glideslope.identity import RequestName
from glideslope.interruption import interruptible
from glideslope.samples.documents import DOCUMENTS
from glideslope.samples.questions import QUESTIONS, SampleQuestion
from glideslope.stack import Stack
from glideslope.status import Stock, take_stock
from glideslope.supervisor import Report, StackEvent
from glideslope.up import Readable
from services.audit.adapters.stores import open_keys
from services.audit.settings import AuditSettings
from services.ingest.settings import IngestSettings
from shared import topics
from shared.cloudevents import Event
from shared.settings import Settings

_INDEXED_SECONDS: Final = 60.0
_ENDED_SECONDS: Final = 60.0
_QUIET_SECONDS: Final = 30.0
_QUEUED_SECONDS: Final = 15.0
_UNDO_SECONDS: Final = "5"
_TOLD: Final = frozenset({"progress", "kafka", "ready", "killed"})


class DemoFailedError(RuntimeError):
    """Something did not go as the demo promises; the message says what, and where to look."""

    def __init__(self, complaints: list[str], logs: Path) -> None:
        said = "\n".join(f"  {complaint}" for complaint in complaints)
        super().__init__(f"the demo did not end as it must:\n{said}\nThe services' logs: {logs}")


async def demo(settings: Settings, console: Console, *, keep: bool = False) -> None:
    """Run the demo and print what happens; with `keep` the stack stays up for a look around.

    Its home, the folder `demo` under the given one, is emptied first and kept afterwards. On a
    cluster that is given it has topics and groups of its own, and deletes its topics when all
    went well. Raises `DemoFailedError`, what `Stack` raises, and `CancelledError` when a signal
    ended it before it was over.
    """
    settings, given = _own(settings)
    if (address := kafka.running_at(settings.home)) is not None:
        raise kafka.AlreadyRunningError(settings.home, f"another demo, at {address}")
    shutil.rmtree(settings.home, ignore_errors=True)
    stack = Stack(
        settings,
        environment={
            "GLIDESLOPE_PLANTED_FAULTS": "true",
            "GLIDESLOPE_REVIEW_SIGN_IN": "local",
            "GLIDESLOPE_REVIEW_UNDO_SECONDS": _UNDO_SECONDS if keep else "0",
        },
        report=_telling(Readable(console)),
    )
    await interruptible(_played(stack, console, keep=keep), stack.kill_all)
    if given:
        async with cluster.admin(stack.settings) as admin:
            await admin.delete_topics([settings.topic(topic) for topic in topics.ALL])


async def _played(stack: Stack, console: Console, *, keep: bool) -> None:
    async with stack:
        played = Demo(stack, console)
        playing = asyncio.create_task(played.play())
        dying = asyncio.create_task(stack.died())
        try:
            await asyncio.wait({playing, dying}, return_when=asyncio.FIRST_COMPLETED)
            if dying.done():
                raise dying.result()
            await playing
            show_next(console, stack.settings, keep=keep)
            if keep:
                await played.leave_one()
                console.print(
                    "The reviewers' page, where one more question waits, until Ctrl-C: "
                    f"{stack.reviewers_page}",
                    soft_wrap=True,
                )
                with suppress(asyncio.CancelledError):  # all went well: this ends it as it should
                    raise await stack.died()
        finally:
            playing.cancel()
            dying.cancel()


def _own(settings: Settings) -> tuple[Settings, bool]:
    """Return settings under which a demo disturbs nothing, and whether a cluster was given."""
    given = "bootstrap_servers" in settings.model_fields_set
    return settings.model_copy(
        update={
            "home": settings.home.absolute() / "demo",
            "deployment": "demo",
            "topic_prefix": f"demo-{secrets.token_hex(3)}." if given else settings.topic_prefix,
        }
    ), given


def _telling(report: Report) -> Report:
    def tell(event: StackEvent) -> None:
        if event.event in _TOLD:
            report(event)

    return tell


class Demo:
    """One demo on a stack that is up."""

    def __init__(self, stack: Stack, console: Console) -> None:
        self._settings = stack.settings
        self._logs = stack.logs
        self._console = console
        self._names = {self._settings.topic(topic): topic for topic in topics.ALL}

    async def play(self) -> None:
        """Index, ask, watch, decide, check. Raises `DemoFailedError`."""
        await self._index()
        sent = await self._ask()
        await self._watch(Journeys(sent, self._names))
        await self._check(Journeys(sent, self._names))

    async def leave_one(self) -> None:
        """Ask once more what a person must decide, and leave it to whoever looks around."""
        sample = next(each for each in QUESTIONS if each.decision is not None)
        async with cluster.producer(self._settings) as producer:
            await self._send(producer, replace(sample, id=f"{sample.id}-for-you"))

    async def _index(self) -> None:
        progress = indexing.Progress()
        await indexing.publish(
            [each.submitted for each in DOCUMENTS],
            self._settings,
            progress,
            seconds=_INDEXED_SECONDS,
        )
        if not progress.done or progress.rejected:
            missing = sorted(progress.published - progress.indexed)
            raise DemoFailedError([f"{name} was not indexed" for name in missing], self._logs)
        self._console.print(f"{len(DOCUMENTS)} documents can be found")

    async def _ask(self) -> list[tuple[SampleQuestion, tuple[int, int]]]:
        """Publish the questions, as any system would; return where each stands on `requests`."""
        async with cluster.producer(self._settings) as producer:
            sent = [(sample, await self._send(producer, sample)) for sample in QUESTIONS]
        again = [sample.id for sample, _ in sent if sample.end == "duplicated"]
        self._console.print(
            f"{len(sent)} records published on {topics.REQUESTS.name}; {', '.join(again)} is among "
            "them twice, as a sender repeats what it is not sure of\n"
        )
        return sent

    async def _send(self, producer: AIOKafkaProducer, sample: SampleQuestion) -> tuple[int, int]:
        event = Event(
            id=sample.id,
            type=topics.REQUESTS.event_type,
            source=SOURCE,
            data=sample.value,
            time=datetime.now(UTC).isoformat(),
        )
        record = await producer.send_and_wait(
            self._settings.topic(topics.REQUESTS),
            key=sample.conversation.encode(),
            value=event.data,
            headers=event.headers(),
        )
        return record.partition, record.offset

    async def _watch(self, journeys: Journeys) -> None:
        """Show the questions on their way until each has ended, deciding what waits for a person.

        What has no end in time is left to the check.
        """
        async with cluster.reader(self._settings, *WAY) as reader:
            with watching(self._console, journeys) as display:
                try:
                    async with asyncio.timeout(_ENDED_SECONDS):
                        async for topic, record in reader.follow():
                            journey = journeys.observe(topic, record)
                            if journey is None:
                                continue
                            display.moved(journey)
                            if topic is topics.FALLBACK_REVIEW:
                                await self._decide(journey)
                            if all(each.is_over for each in journeys.all):
                                return
                except TimeoutError:
                    return

    async def _decide(self, journey: Journey) -> None:
        """Decide what waits for a person through the service's API, as `glideslope review` does."""
        text = journey.sample.decision
        if text is None:  # nothing that should wait: the check will say so
            return
        url = (self._settings.home / "review" / "url").read_text()
        async with Desk.opened(url, self._settings) as desk:
            item = await desk.await_item(journey.sample.id, SOURCE, _QUEUED_SECONDS)
            await desk.decide(item, {"kind": "edited"}, text=text)

    async def _check(self, journeys: Journeys) -> None:
        """Read everything once more from the beginning, when nothing moves any longer.

        What was seen while watching counts for nothing here, so a second end that came late is
        found, too.
        """
        stock = await self._quiet()
        async with cluster.reader(self._settings, *WAY) as reader:
            async for topic, record in reader.to_end():
                journeys.observe(topic, record)
        show_outcomes(self._console, journeys.all)
        show_reconciliation(self._console, stock.reconciliation)
        complaints = [
            f"{journey.sample.id}, {journey.sample.shows}: {journey.complaint}"
            for journey in journeys.all
            if journey.complaint is not None
        ]
        complaints += [f"{fault.request_id}: {fault.what}" for fault in stock.faults]
        if not stock.reconciliation.adds_up or stock.reconciliation.in_flight:
            complaints.append("the reconciliation does not add up")
        complaints += self._show_history(next(each for each in journeys.all if each.sample.passes))
        if complaints:
            raise DemoFailedError(complaints, self._logs)
        self._console.print("[green]Every request ended exactly once, as it must.[/]")

    async def _quiet(self) -> Stock:
        """Wait until every service has passed every record of its topics."""
        window = timedelta(seconds=IngestSettings().duplicate_window_seconds)
        try:
            async with asyncio.timeout(_QUIET_SECONDS):
                while True:
                    stock = await take_stock(self._settings, window)
                    if not any(group.lag for group in stock.groups):
                        return stock
        except TimeoutError:
            behind = [
                f"{each.name} is {each.lag} records behind" for each in stock.groups if each.lag
            ]
            raise DemoFailedError(behind, self._logs) from None

    def _show_history(self, journey: Journey) -> list[str]:
        """Show what the audit log holds of one request; return what it should hold and does not."""
        log = self._settings.home / "audit" / str(journey.partition)
        with closing(open_keys(AuditSettings(home=self._settings.home))) as keys:
            lines = history(log, keys, RequestName(SOURCE, journey.sample.id), self._names)
        show_history(self._console, journey, lines)
        held = {line.topic for line in lines}
        return [
            f"{journey.sample.id}: the audit log lacks its record on {topic.name}"
            for topic in (topics.REQUESTS, *journey.seen)
            if topic.name not in held
        ]
