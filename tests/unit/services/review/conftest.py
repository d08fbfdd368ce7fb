"""The queue's databases: SQLite in a folder, and a PostgreSQL that the suite starts."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from services.review.adapters.arrivals import SqlArrivals
from services.review.adapters.database import Database
from services.review.adapters.reviews import SqlReviews
from services.review.identity import Identity, Role
from services.review.item import Arrival, item_id
from services.review.terms import Terms
from shared import topics
from shared.cloudevents import Event
from shared.events import (
    Answer,
    AnswerChecked,
    Citation,
    Confidence,
    RequestAccepted,
    Usage,
    Verdict,
)
from tests.postgres import NotInstalledError, postgres


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """Give the address of a PostgreSQL of the suite's own; skip where there is none."""
    with ExitStack() as opened:
        try:
            yield opened.enter_context(postgres())
        except NotInstalledError as error:
            pytest.skip(str(error))


@pytest.fixture(params=["sqlite", "postgresql"])
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Give the URL of an empty database."""
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path}/review.db"
    server = request.getfixturevalue("server")
    name = f"t{uuid4().hex}"
    connection = await asyncpg.connect(f"postgresql://{server}/postgres")
    await connection.execute(f"CREATE DATABASE {name}")
    await connection.close()
    return f"postgresql+asyncpg://{server}/{name}"


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    opened = Database(url)
    await opened.open()
    yield opened
    await opened.close()


class Clock:
    """A time that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2030, 1, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **time: float) -> None:
        self.now += timedelta(**time)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def reviews(database: Database, clock: Clock) -> SqlReviews:
    return SqlReviews(database, Terms(), clock)


@pytest.fixture
def arrivals(database: Database, clock: Clock) -> SqlArrivals:
    return SqlArrivals(database, Terms(), clock)


def _person(
    name: str,
    *roles: Role,
    tenants: tuple[str, ...] = ("acme",),
    skills: tuple[str, ...] = (),
) -> Identity:
    return Identity(
        name, frozenset(roles or {Role.REVIEWER}), frozenset(tenants), frozenset(skills)
    )


@pytest.fixture
def person() -> Callable[..., Identity]:
    return _person


def _waiting(  # noqa: PLR0913 - what tests vary
    name: str = "1",
    *,
    tenant: str = "acme",
    question: str = "How much was it?",
    answer: str | None = "It was 12 million.",
    attempt: int = 1,
    failed: int = 1,
    deadline: datetime | None = None,
) -> AnswerChecked:
    cited = (Citation(document_id="report", locator="p. 1", quote="12 million"),)
    return AnswerChecked(
        request=RequestAccepted(
            request_id=name,
            request_source="/desk",
            tenant=tenant,
            question=question,
            deadline=deadline,
            received_at=datetime(2030, 1, 1, tzinfo=UTC),
            release="r" * 64,
        ),
        attempt=attempt,
        answer=None if answer is None else Answer(text=answer, citations=cited),
        usage=Usage(model="extractive"),
        checks=tuple(
            Verdict(name=f"check-{n}", verdict="failed", score=0.25, reason="half of it")
            for n in range(failed)
        ),
        confidence=Confidence(probability=0.5, threshold=0.9),
        reason="half of it is supported",
    )


@pytest.fixture
def waiting() -> Callable[..., AnswerChecked]:
    return _waiting


def _arrival(
    checked: AnswerChecked, at: datetime, *, offset: int = 0, partition: int = 0
) -> Arrival:
    event = Event(
        id=f"review-{checked.request.request_id}-{checked.attempt}",
        type=topics.FALLBACK_REVIEW.event_type,
        source="/glideslope/validator",
        data=checked.model_dump_json().encode(),
        subject="person-7",
        extensions={"tenant": checked.request.tenant},
        foreign=(("trace", b"\xff"), ("null", None)),
    )
    return Arrival(event, partition, offset, b"talk", at)


@pytest.fixture
def arrival() -> Callable[..., Arrival]:
    return _arrival


def _id(name: str = "1") -> str:
    return item_id("/desk", name)


@pytest.fixture
def id_of() -> Callable[..., str]:
    return _id
