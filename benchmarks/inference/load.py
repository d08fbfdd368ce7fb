"""The requests of the benchmark, and two ways to have them answered: the service, and direct."""

import asyncio
import json
import math
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import httpx
from confluent_kafka import Consumer, Producer, TopicPartition

from shared import topics
from shared.cloudevents import Event
from shared.events import InlinePassage, RequestAccepted
from shared.settings import Settings

MEAN_SECONDS: Final = 0.5
SIGMA: Final = 0.5
PASSAGES: Final = 6
PASSAGE_CHARACTERS: Final = 600
_SILENCE_SECONDS: Final = 60.0


class SilenceError(RuntimeError):
    """The service has stopped answering before everything was there."""


@dataclass(frozen=True, slots=True)
class Ask:
    """A request, and the seconds that the model takes for it."""

    number: int
    seconds: float

    @property
    def question(self) -> str:
        """What is asked; the emulator reads in it how long to take."""
        limit = f"What is the credit limit of desk {self.number}?"
        return f"{limit} (takes {self.seconds:.6f} s)"

    @property
    def passages(self) -> tuple[InlinePassage, ...]:
        """What it is answered from."""
        filler = "The desk reports every Monday to the committee on counterparties. "
        body = (filler * 10)[: PASSAGE_CHARACTERS - 80]
        return tuple(
            InlinePassage(
                id=f"p{i}",
                text=f"The credit limit of desk {self.number + i} is {i + 7} million euros. {body}",
            )
            for i in range(PASSAGES)
        )


def asks(count: int, seed: int) -> list[Ask]:
    """Return requests whose answers take a log-normal time with mean `MEAN_SECONDS`."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    mu = math.log(MEAN_SECONDS) - SIGMA**2 / 2
    return [Ask(number, chance.lognormvariate(mu, SIGMA)) for number in range(count)]


class Service:
    """The inference service, by its topics."""

    def __init__(self, settings: Settings, release: str) -> None:
        self._topic = settings.topic(topics.REQUESTS_ACCEPTED)
        self._release = release
        servers = {"bootstrap.servers": settings.bootstrap_servers}
        self._producer = Producer({**servers, "linger.ms": 0, "acks": "all"})
        self._consumer = Consumer(
            {
                **servers,
                "group.id": f"{settings.topic_prefix}reader",
                "isolation.level": "read_committed",
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "fetch.wait.max.ms": 5,
            }
        )
        drafted = settings.topic(topics.ANSWERS_DRAFTED)
        self._consumer.assign(
            [TopicPartition(drafted, number, 0) for number in range(settings.partitions)]
        )

    def send(self, ask: Ask) -> None:
        """Publish a request as ingest does."""
        type_ = topics.REQUESTS_ACCEPTED.event_type
        data = RequestAccepted(
            request_id=str(ask.number),
            request_source="/bench",
            tenant="default",
            question=ask.question,
            passages=ask.passages,
            received_at=datetime.now(UTC),
            release=self._release,
        )
        value = data.model_dump_json().encode()
        event = Event(id=str(ask.number), type=type_, source="/bench", data=value)
        headers: list[tuple[str, str | bytes | None]] = [*event.headers()]
        self._producer.produce(self._topic, key=str(ask.number), value=value, headers=headers)
        self._producer.poll(0)

    def flush(self) -> None:
        """Wait until everything is on the brokers."""
        self._producer.flush(60)

    def read(self, within: float = _SILENCE_SECONDS) -> list[tuple[float, int]]:
        """Return (time, number) of the drafts that come next, at least one."""
        silent_until = time.monotonic() + within
        while time.monotonic() < silent_until:
            first = self._consumer.poll(1.0)
            messages = [] if first is None else [first, *self._consumer.consume(499, timeout=0)]
            now = time.perf_counter()
            values = [m.value() for m in messages if m.error() is None]
            if values:
                return [(now, int(json.loads(v or b"")["request"]["request_id"])) for v in values]
        raise SilenceError(f"no draft within {within} s")

    def close(self) -> None:
        """Leave."""
        self._consumer.close()

    def queued(self, wanted: Sequence[Ask]) -> float:
        """Publish all at once; return the seconds until the last draft."""
        for ask in wanted:
            self.send(ask)
        self.flush()
        begun = time.perf_counter()
        ends: list[float] = []
        while len(ends) < len(wanted):
            ends += [when for when, _ in self.read()]
        return ends[-1] - begun

    def in_turn(self, wanted: Sequence[Ask], concurrency: int) -> list[float]:
        """Keep so many under way; return for each by how much it took longer than its model."""
        waiting = list(reversed(wanted))
        took = {ask.number: ask.seconds for ask in wanted}
        sent: dict[int, float] = {}
        over: list[float] = []
        while len(over) < len(wanted):
            while waiting and len(sent) < concurrency:
                ask = waiting.pop()
                sent[ask.number] = time.perf_counter()
                self.send(ask)
            for now, number in self.read():
                if number in sent:
                    over.append(now - sent.pop(number) - took[number])
        return over


async def direct(url: str, wanted: Sequence[Ask], concurrency: int, prompt: str) -> list[float]:
    """Call the emulator itself, so many at once; return what `Service.in_turn` does."""
    waiting = list(reversed(wanted))
    over: list[float] = []

    async def caller(client: httpx.AsyncClient) -> None:
        while waiting:
            ask = waiting.pop()
            body = {
                "model": "large-1",
                "stream": True,
                "messages": [{"role": "user", "content": f"{prompt}\n{ask.question}"}],
            }
            begun = time.perf_counter()
            async with client.stream("POST", "/v1/chat/completions", json=body) as response:
                async for _ in response.aiter_bytes():
                    pass
            over.append(time.perf_counter() - begun - ask.seconds)

    async with httpx.AsyncClient(base_url=url, timeout=60) as client:
        await asyncio.gather(*(caller(client) for _ in range(concurrency)))
    return over
