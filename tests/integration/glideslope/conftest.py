"""What the command line's tests need of the services: somebody who publishes in their place."""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from pydantic import BaseModel

from glideslope.stack import settings_environment
from shared.cloudevents import Event
from shared.delivery import Record
from shared.events import (
    Answer,
    AnswerChecked,
    Citation,
    Confidence,
    Receipt,
    RequestAccepted,
    Result,
    Usage,
    Verdict,
)
from shared.settings import Settings
from shared.topics import Topic


@dataclass
class Service:
    """Publishes events as a service would: each batch in a transaction, or none."""

    settings: Settings
    producer: AIOKafkaProducer
    committed: AIOKafkaConsumer

    async def put(  # noqa: PLR0913 - a record has this many parts
        self,
        topic: Topic,
        data: BaseModel | bytes | None,
        *,
        id: str = "1",  # noqa: A002 - the attribute's name
        source: str = "/desk",
        key: bytes | None = b"k",
        partition: int | None = 0,
        headers: list[tuple[str, bytes | None]] | None = None,
        commit: bool = True,
    ) -> tuple[int, int]:
        """Publish one record in a transaction; return its partition and offset.

        A broker answers a commit before its marker is in the partition: until it is, a reader
        that opens sees neither the record nor an end behind it. So this returns when it is.
        """
        value = data.model_dump_json().encode() if isinstance(data, BaseModel) else data
        event = Event(id=id, type=topic.event_type, source=source, data=value or b"")
        await self.producer.begin_transaction()
        sent = await self.producer.send_and_wait(
            self.settings.topic(topic),
            key=key,
            partition=partition,
            value=value,
            headers=event.headers() if headers is None else headers,
        )
        if commit:
            await self.producer.commit_transaction()
        else:
            await self.producer.abort_transaction()
        written = TopicPartition(sent.topic, sent.partition)
        async with asyncio.timeout(20):
            # ASYNC110: the broker tells nobody of it, it has to be asked
            while (await self.committed.end_offsets([written]))[written] <= sent.offset:  # noqa: ASYNC110 - see above
                await asyncio.sleep(0.01)
        return sent.partition, sent.offset

    async def reply(
        self,
        to: Record,
        topic: Topic,
        data: BaseModel | bytes | None,
        headers: list[tuple[str, bytes | None]] | None = None,
    ) -> None:
        """Publish under the key and in the partition number of a record."""
        await self.put(topic, data, key=to.key, partition=to.partition, headers=headers)


@pytest.fixture
async def service(settings: Settings, topics: None) -> AsyncIterator[Service]:  # noqa: ARG001 - must exist
    producer = AIOKafkaProducer(
        bootstrap_servers=settings.bootstrap_servers,
        transactional_id=f"{settings.topic_prefix}stand-in",
    )
    committed = AIOKafkaConsumer(
        bootstrap_servers=settings.bootstrap_servers, isolation_level="read_committed"
    )
    async with producer, committed:
        yield Service(settings, producer, committed)


@dataclass(frozen=True)
class Ended:
    """How a run of the command line ended."""

    code: int
    out: str
    err: str


Run = Callable[..., Awaitable[Ended]]


@pytest.fixture
def glideslope(settings: Settings) -> Run:
    """Run the command line as a program, against the test's own topics."""

    async def run(*arguments: str, **environment: str) -> Ended:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "glideslope", *arguments),
            env={"COLUMNS": "160", **settings_environment(settings), **environment},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await asyncio.wait_for(process.communicate(), 60)
        return Ended(process.returncode or 0, out.decode(), err.decode())

    return run


def _accepted(name: str, source: str) -> RequestAccepted:
    return RequestAccepted(
        request_id=name,
        request_source=source,
        tenant="default",
        question="How much was it?",
        received_at=datetime(2030, 1, 1, tzinfo=UTC),
        release="r" * 64,
    )


def _checked(name: str = "1", source: str = "/desk") -> AnswerChecked:
    return AnswerChecked(
        request=_accepted(name, source),
        answer=Answer(
            text="It was 12 million.",
            citations=(Citation(document_id="report", locator="p. 1", quote="12 million"),),
        ),
        usage=Usage(model="extractive"),
        checks=(Verdict(name="support", verdict="failed", score=0.5, reason="half of it"),),
        confidence=Confidence(probability=0.5, threshold=0.9),
        reason="support is below the threshold",
    )


def _result(name: str = "1", source: str = "/desk", **changed: Any) -> Result:
    checked = _checked(name, source)
    return Result(
        **{
            "request_id": name,
            "request_source": source,
            "outcome": "answered",
            "answer": checked.answer,
            "confidence": checked.confidence,
            "checks": checked.checks,
            "release": checked.request.release,
            "usage": checked.usage,
            "receipt": Receipt(origin="test/0", index=41, size=42),
            **changed,
        }
    )


@pytest.fixture
def accepted() -> Callable[..., RequestAccepted]:
    return _accepted


@pytest.fixture
def checked() -> Callable[..., AnswerChecked]:
    return _checked


@pytest.fixture
def result() -> Callable[..., Result]:
    return _result
