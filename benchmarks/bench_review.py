"""How long reviewers wait for the queue: 10,000 items, 20 people, against the same queries bare.

Three contenders on each database: the statements on its driver and nothing else (`bare`), the queue
as the service has it (`queue`), and the pages over HTTP (`page`), served by a process of their own:
sessions, every view on the record before it is shown, HTML, and 20 open lists that come again by
themselves.
"""

import asyncio
import json
import os
import random
import statistics
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, Protocol

import aiosqlite
import asyncpg
from sqlalchemy import func, select

from benchmarks.review.browsers import browsers
from services.review.adapters.arrivals import SqlArrivals
from services.review.adapters.database import Database
from services.review.adapters.reviews import SqlReviews
from services.review.adapters.tables import decisions, outbox
from services.review.decision import Judgement, Kind
from services.review.errors import ReviewError
from services.review.identity import Identity, Role
from services.review.item import Arrival
from services.review.terms import Terms
from shared import topics
from shared.cloudevents import Event
from shared.events import (
    Answer,
    AnswerChecked,
    Confidence,
    Passage,
    RequestAccepted,
    Usage,
    Verdict,
)
from shared.release import ReviewRules
from tests.postgres import NotInstalledError, postgres

SCALE: Final = float(os.environ.get("GLIDESLOPE_BENCH_SCALE", "1"))
ITEMS: Final = int(10_000 * SCALE)
PEOPLE: Final = 20
ROUNDS: Final = max(int(12 * SCALE), 2)
PAUSE_SECONDS: Final = 1.0
"""Between two steps of a person, in the mean: faster than anybody reads."""
PAGE: Final = 50
RACES: Final = int(5_000 * SCALE)
RACED_ITEMS: Final = int(1_000 * SCALE)
BAR_MS: Final = 100.0
TENANTS: Final = ("acme", "blue", "cyan")
PASSAGE: Final = "The committee met and approved the loan with two votes against it. " * 40


class Contender(Protocol):
    """Who lists and claims."""

    async def list(self, person: int) -> None:
        """Read the first page, and how many items there are."""

    async def claim(self, person: int) -> None:
        """Take the most urgent item that is free, with all of it."""


def someone(number: int) -> Identity:
    """Return a reviewer of every tenant."""
    return Identity(f"person-{number}", frozenset({Role.REVIEWER}), frozenset(TENANTS))


class Service:
    """The queue as the API uses it."""

    def __init__(self, reviews: SqlReviews) -> None:
        self._reviews = reviews

    async def list(self, person: int) -> None:
        """Read the first page."""
        page = await self._reviews.page(someone(person), limit=PAGE)
        if len(page.items) != PAGE:
            raise RuntimeError("the page is not full")

    async def claim(self, person: int) -> None:
        """Take the most urgent item that is free."""
        if await self._reviews.claim_next(someone(person)) is None:
            raise RuntimeError("nothing is free")


_LIST: Final = (
    "SELECT id, request_source, request_id, tenant, question, reason, probability, risk, skill, "
    "status, since, due, soon, holder, token, lease_until FROM items WHERE status = 'open' AND "
    "tenant IN ('acme', 'blue', 'cyan') ORDER BY due, risk DESC, id LIMIT 50"
)
_COUNT: Final = (
    "SELECT count(*) FROM items WHERE status = 'open' AND tenant IN ('acme', 'blue', 'cyan')"
)
_FREE: Final = (
    "SELECT id, token FROM items WHERE status = 'open' AND tenant IN ('acme', 'blue', 'cyan') AND "
    "(holder IS NULL OR lease_until <= {now}) ORDER BY due, risk DESC, id LIMIT 1"
)
_READ: Final = "SELECT data FROM payloads WHERE item_id = {id}"
_TAKE: Final = (
    "UPDATE items SET holder = {who}, token = token + 1, lease_until = {until} WHERE id = {id}"
)


class BareSqlite:
    """The same statements, on SQLite's driver for asyncio and nothing else."""

    def __init__(self, connections: list[aiosqlite.Connection]) -> None:
        self._connections = connections
        self._writing = asyncio.Lock()

    async def list(self, person: int) -> None:
        """Read the first page."""
        connection = self._connections[person]
        await connection.execute_fetchall(_COUNT)
        await connection.execute_fetchall(_LIST)

    async def claim(self, person: int) -> None:
        """Take the most urgent item that is free."""
        connection = self._connections[person]
        now = datetime.now(UTC).replace(tzinfo=None)
        async with self._writing:
            await connection.execute("BEGIN IMMEDIATE")
            ((id_, _),) = await connection.execute_fetchall(_FREE.format(now="?"), (str(now),))
            until = str(now + timedelta(minutes=10))
            await connection.execute(
                _TAKE.format(who="?", until="?", id="?"), (f"bare-{person}", until, id_)
            )
            data = await connection.execute_fetchall(_READ.format(id="?"), (id_,))
            await connection.execute("COMMIT")
        json.loads(next(iter(data))[0])


class BarePostgres:
    """The same statements, on PostgreSQL's driver for asyncio and nothing else."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool

    async def list(self, person: int) -> None:  # noqa: ARG002 - the pool gives a connection
        """Read the first page."""
        async with self._pool.acquire() as connection:
            await connection.fetch(_COUNT)
            await connection.fetch(_LIST)

    async def claim(self, person: int) -> None:
        """Take the most urgent item that is free."""
        now = datetime.now(UTC)
        async with self._pool.acquire() as connection, connection.transaction():
            free = f"{_FREE.format(now='$1')} FOR UPDATE SKIP LOCKED"
            row = await connection.fetchrow(free, now)
            take = _TAKE.format(who="$1", until="$2", id="$3")
            await connection.execute(take, f"bare-{person}", now + timedelta(minutes=10), row["id"])
            data = await connection.fetchval(_READ.format(id="$1"), row["id"])
        json.loads(data)


def waiting(number: int) -> AnswerChecked:
    """Return an answer that waits, six passages long."""
    return AnswerChecked(
        request=RequestAccepted(
            request_id=f"request-{number}",
            request_source="/desk",
            tenant=TENANTS[number % len(TENANTS)],
            question=f"What did the committee decide on loan {number}?",
            received_at=datetime(2030, 1, 1, tzinfo=UTC),
            release="r" * 64,
        ),
        answer=Answer(text="It approved the loan."),
        passages=tuple(
            Passage(id=str(n), document_id="minutes", locator=f"p. {n}", text=PASSAGE)
            for n in range(6)
        ),
        usage=Usage(model="extractive"),
        checks=tuple(
            Verdict(name=f"check-{n}", verdict="failed", score=0.5, reason="half of it")
            for n in range(number % 3)
        ),
        confidence=Confidence(probability=0.5, threshold=0.9),
        reason="half of it is supported",
    )


async def fill(database: Database) -> None:
    """Put the items into the queue, all in one transaction: how they come is not measured."""
    arrivals = SqlArrivals(database)
    now = datetime.now(UTC)
    async with database.writing() as connection:
        for number in range(ITEMS):
            checked = waiting(number)
            data = checked.model_dump_json().encode()
            event = Event(f"e{number}", topics.FALLBACK_REVIEW.event_type, "/v", data)
            arrival = Arrival(event, number % 4, number, b"k", now + timedelta(seconds=number))
            await arrivals._insert(connection, arrival, checked, ReviewRules())  # noqa: SLF001 - see above


async def work(contender: Contender) -> dict[str, list[float]]:
    """Have everybody list and claim, each at their own pace; return the seconds of each step."""
    took: defaultdict[str, list[float]] = defaultdict(list)
    choose = random.Random(7)  # noqa: S311 - no secret

    async def step(what: str, doing: Callable[[int], Awaitable[None]], person: int) -> None:
        await asyncio.sleep(choose.expovariate(1 / PAUSE_SECONDS))
        start = time.perf_counter()
        await doing(person)
        took[what].append(time.perf_counter() - start)

    async def person(number: int) -> None:
        for _ in range(ROUNDS):
            await step("list", contender.list, number)
            await step("claim", contender.claim, number)

    await asyncio.gather(*(contender.list(number) for number in range(PEOPLE)))  # connections
    await asyncio.gather(*(person(number) for number in range(PEOPLE)))
    return took


def p95(seconds: list[float]) -> float:
    """Return the 95th percentile, in milliseconds."""
    return statistics.quantiles(seconds, n=20)[-1] * 1000


async def race(database: Database) -> dict[str, int]:
    """Have everybody decide the same items at once; count what was decided, and what twice."""
    reviews = SqlReviews(database, Terms(lease=timedelta(hours=2)))
    leads = [Identity(f"racer-{n}", frozenset({Role.LEAD}), frozenset("*")) for n in range(PEOPLE)]
    page = [
        item
        for offset in range(0, RACED_ITEMS, 200)
        for item in (await reviews.page(leads[0], offset=offset + ITEMS // 2, limit=200)).items
    ]
    choose = random.Random(11)  # noqa: S311 - no secret
    plan = [(choose.choice(leads), choose.choice(page).id) for _ in range(RACES)]
    outcomes: Counter[str] = Counter()

    async def decide(who: Identity, item_id: str) -> None:
        try:
            item = await reviews.get(who, item_id)
            claim = await reviews.claim(who, item_id)
            await reviews.decide(who, item_id, Judgement(Kind.APPROVED, item.payload, claim.token))
            outcomes["decided"] += 1
        except ReviewError as error:
            outcomes[error.code] += 1

    share = RACES // PEOPLE

    async def racer(number: int) -> None:
        for each in plan[number * share : (number + 1) * share]:
            await decide(*each)

    await asyncio.gather(*(racer(number) for number in range(PEOPLE)))
    async with database.reading() as connection:
        of_items = select(decisions.c.item_id, func.count()).group_by(decisions.c.item_id)
        counts = [number for _, number in (await connection.execute(of_items)).all()]
        letters = await connection.scalar(
            select(func.count()).where(outbox.c.topic == topics.REVIEWS_DECIDED.name)
        )
    return {
        "attempts": sum(outcomes.values()),
        "decided": outcomes["decided"],
        "items_decided": len(counts),
        "twice": sum(number > 1 for number in counts),
        "letters": letters or 0,
    }


@dataclass(frozen=True)
class Measured:
    """Seconds of each step by contender, and what came of the race."""

    took: dict[str, dict[str, list[float]]]
    raced: dict[str, int]


async def measure(database: Database, url: str, bare: dict[str, list[float]]) -> Measured:
    """Measure what is ours on a database that is full."""
    queue = await work(Service(SqlReviews(database)))
    async with browsers(database, url, [someone(number) for number in range(PEOPLE)]) as opened:
        page = await work(opened)
    return Measured({"queue": queue, "page": page, "bare": bare}, await race(database))


async def sqlite(folder: Path) -> Measured:
    """Measure on SQLite."""
    url = f"sqlite+aiosqlite:///{folder}/queue.db"
    database = Database(url)
    await database.open()
    await fill(database)
    connections = [
        await aiosqlite.connect(folder / "queue.db", isolation_level=None) for _ in range(PEOPLE)
    ]
    for connection in connections:
        await connection.execute("PRAGMA synchronous=FULL")
    bare = await work(BareSqlite(connections))
    for connection in connections:
        await connection.close()
    measured = await measure(database, url, bare)
    await database.close()
    return measured


async def postgresql(server: str) -> Measured:
    """Measure on PostgreSQL."""
    url = f"postgresql+asyncpg://{server}/postgres"
    database = Database(url)
    await database.open()
    await fill(database)
    pool = await asyncpg.create_pool(f"postgresql://{server}/postgres", max_size=PEOPLE)
    await pool.execute("VACUUM ANALYZE")  # as autovacuum does within a minute
    bare = await work(BarePostgres(pool))
    await pool.close()
    measured = await measure(database, url, bare)
    await database.close()
    return measured


def told(name: str, measured: Measured) -> Any:
    """Print one database's figures; return them as numbers for machines."""
    raced = measured.raced
    result: dict[str, Any] = {"raced": raced}
    slowest = 0.0
    for step in ("list", "claim"):
        times = {who: p95(took[step]) for who, took in measured.took.items()}
        print(f"{name:<11} {step:<6} p95", *(f"{who} {ms:7.1f} ms" for who, ms in times.items()))
        for who in ("queue", "page"):
            result[f"{who}_{step}_p95_ms"] = round(times[who], 1)
            result[f"{who}_{step}_ratio"] = round(times[who] / times["bare"], 2)
            slowest = max(slowest, times[who])
    print(f"{name:<11} {raced}")
    result["meets"] = slowest < BAR_MS and raced["twice"] == 0
    return result


def main() -> None:
    """Run all of it."""
    with ExitStack() as opened:
        folder = Path(opened.enter_context(TemporaryDirectory()))
        results = {"sqlite": told("SQLite", asyncio.run(sqlite(folder)))}
        try:
            server = opened.enter_context(postgres())
            results["postgresql"] = told("PostgreSQL", asyncio.run(postgresql(server)))
        except NotInstalledError as error:
            print(error, file=sys.stderr)
    print(json.dumps({"items": ITEMS, "people": PEOPLE, "databases": results}))


if __name__ == "__main__":
    main()
