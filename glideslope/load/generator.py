"""Sends a load to `requests` and reads the ends of its requests, as any client of Kafka would."""

import asyncio
import secrets
import time
from asyncio import Future
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from glideslope import cluster
from glideslope.identity import origin, request_of
from glideslope.load.mix import Entry, Mix
from glideslope.load.outcomes import End, Outcomes
from glideslope.load.pace import Pace
from glideslope.reader import Reader
from shared import topics
from shared.cloudevents import Event, UnreadableError
from shared.delivery import Record
from shared.events import Result
from shared.settings import Settings
from shared.topics import Topic

_ENDS: Final[Mapping[Topic, End]] = {
    topics.REQUESTS_REJECTED: "rejected",
    topics.REQUESTS_DUPLICATED: "duplicated",
    topics.FALLBACK_REVIEW: "reviewed",
    topics.DEAD_LETTERS: "dead_letter",
}
"""Beside `results`, whose records say how the request ended."""
_AFTERMATH_SECONDS: Final = 1.0  # a second end of a request would come late
_LOOK_SECONDS: Final = 0.05


class Generator:
    """One load on one cluster. `outcomes` can be looked at while it runs.

    Its requests have a CloudEvents source of their own, so that no run meets another's, and each
    its own conversation unless the mix says otherwise.
    """

    def __init__(self, pace: Pace, mix: Mix, settings: Settings) -> None:
        self.source = f"/glideslope/load/{secrets.token_hex(6)}"
        self.outcomes = Outcomes(pace.warm_up)
        self._pace = pace
        self._mix = mix
        self._settings = settings
        self._names = {settings.topic(topic): topic for topic in topics.ALL}
        self._start = 0.0
        self.is_stopped = False

    def stop(self) -> None:
        """Send no more. What was sent is waited for as usual."""
        self.is_stopped = True

    async def run(self, patience: float) -> None:
        """Send everything, then wait for the last end: `patience` seconds after the last request.

        Raises `UnreachableError` and `TopicsMissingError` before anything is sent.
        """
        async with (
            cluster.reader(self._settings, topics.RESULTS, *_ENDS, start="end") as reader,
            cluster.producer(self._settings) as producer,
        ):
            reading = asyncio.create_task(self._read(reader))
            sending = asyncio.create_task(self._send(producer))
            try:
                await asyncio.wait({reading, sending}, return_when=asyncio.FIRST_COMPLETED)
                if reading.done():  # it does not end but by an error
                    await reading
                await sending
                await self._ended(reading, patience)
            finally:
                reading.cancel()
                sending.cancel()
                await asyncio.gather(reading, sending, return_exceptions=True)

    def elapsed(self) -> float:
        """Return the seconds since the first request was due."""
        return time.perf_counter() - self._start if self._start else 0.0

    async def _send(self, producer: AIOKafkaProducer) -> None:
        drawn = self._mix.draw(self._pace.seed)
        self._start = time.perf_counter()
        for due, entry in zip(self._pace.due(), drawn, strict=False):
            if (early := due - self.elapsed()) > 0:
                await asyncio.sleep(early)
            elif len(self.outcomes) % 64 == 0:  # behind: the ends must be read all the same
                await asyncio.sleep(0)
            if self.is_stopped:
                break
            number = self.outcomes.send(due, self.elapsed())
            await self._publish(producer, entry, number)
        await producer.flush()

    async def _publish(self, producer: AIOKafkaProducer, entry: Entry, number: int) -> None:
        event = Event(
            id=str(number),
            type=topics.REQUESTS.event_type,
            source=self.source,
            data=entry.value,
            extensions={} if entry.tenant is None else {"tenant": entry.tenant},
        )
        conversation = entry.conversation or f"{self.source}/{number}"
        try:
            sent: Future[Any] = await producer.send(
                self._settings.topic(topics.REQUESTS),
                key=conversation.encode(),
                value=event.data,
                headers=event.headers(),
            )
        except KafkaError:
            self.outcomes.fail(number)
        else:
            sent.add_done_callback(partial(self._delivered, number))

    def _delivered(self, number: int, sent: "Future[Any]") -> None:
        if sent.cancelled() or sent.exception() is not None:
            self.outcomes.fail(number)

    async def _read(self, reader: Reader) -> None:
        async for topic, record in reader.follow():
            if (number := self._whose(topic, record)) is not None:
                self.outcomes.end(number, _end(topic, record), self.elapsed())

    def _whose(self, topic: Topic, record: Record) -> int | None:
        """Return the number of the request that an end is of; None where it is another's."""
        try:
            about = self._names[origin(record).topic] if topic is topics.DEAD_LETTERS else topic
            if about in topics.SHADOWS:  # what becomes of a copy is no end of the request
                return None
            name = request_of(about, record)
        except (UnreadableError, LookupError, ValueError):  # not of this load
            return None
        return int(name.id) if name is not None and name.source == self.source else None

    async def _ended(self, reading: "asyncio.Task[None]", patience: float) -> None:
        give_up = time.monotonic() + patience
        while self.outcomes.open and time.monotonic() < give_up and not reading.done():
            await asyncio.wait({reading}, timeout=_LOOK_SECONDS)
        await asyncio.wait({reading}, timeout=_AFTERMATH_SECONDS)
        if reading.done():
            await reading


def _end(topic: Topic, record: Record) -> End:
    if topic is topics.RESULTS:
        return Result.model_validate_json(record.value or b"").outcome
    return _ENDS[topic]
