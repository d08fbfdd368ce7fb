"""The queue's databases: SQLite in a folder, and a PostgreSQL that the suite starts."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from services.review.adapters.arrivals import SqlArrivals
from services.review.adapters.database import Database
from services.review.adapters.reviews import SqlReviews
from services.review.adapters.schema import MIGRATIONS
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
from tests.unit.services.review.newer import newer_migrations


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """Give the address of a PostgreSQL of the suite's own; skip where there is none."""
    with ExitStack() as opened:
        try:
            yield opened.enter_context(postgres("fsync=off"))
        except NotInstalledError as error:
            pytest.skip(str(error))


@pytest.fixture(scope="session")
def empty_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give an SQLite database whose schema is made; a copy of it costs a test nothing."""
    file = tmp_path_factory.mktemp("template") / "queue.db"
    asyncio.run(_made(f"sqlite+aiosqlite:///{file}"))
    return file


@pytest.fixture(scope="session")
def empty_name(server: str) -> str:
    """Give the name of such a database on PostgreSQL."""
    asyncio.run(_execute(server, "CREATE DATABASE template"))
    asyncio.run(_made(f"postgresql+asyncpg://{server}/template"))
    return "template"


@pytest.fixture(scope="session")
def newer_file(empty_file: Path) -> Path:
    """Give such a file that a review newer by one migration, which only adds, has opened."""
    file = empty_file.with_name("newer.db")
    shutil.copy(empty_file, file)
    migrations = newer_migrations(empty_file.parent, usable_from="0003")
    asyncio.run(_made(f"sqlite+aiosqlite:///{file}", migrations))
    return file


@pytest.fixture(params=["sqlite", "sqlite of a newer review", "postgresql"])
def template(request: pytest.FixtureRequest) -> Callable[[Path], Awaitable[str]]:
    """Give a function that makes an empty database and returns its URL."""
    if request.param != "postgresql":
        newer = request.param != "sqlite"
        file = request.getfixturevalue("newer_file" if newer else "empty_file")

        async def copy(folder: Path) -> str:
            shutil.copy(file, folder / "queue.db")
            return f"sqlite+aiosqlite:///{folder}/queue.db"

        return copy
    server = request.getfixturevalue("server")
    template = request.getfixturevalue("empty_name")

    async def create(_: Path) -> str:
        name = f"t{uuid4().hex}"
        await _execute(server, f"CREATE DATABASE {name} TEMPLATE {template}")
        return f"postgresql+asyncpg://{server}/{name}"

    return create


@pytest.fixture
async def url(template: Callable[[Path], Awaitable[str]], tmp_path: Path) -> str:
    """Give the URL of an empty database."""
    return await template(tmp_path)


async def _made(url: str, migrations: Path = MIGRATIONS) -> None:
    database = Database(url, migrations)
    await database.open()
    await database.close()


async def _execute(server: str, statement: str) -> None:
    connection = await asyncpg.connect(f"postgresql://{server}/postgres")
    await connection.execute(statement)
    await connection.close()


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    opened = Database(url)
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
