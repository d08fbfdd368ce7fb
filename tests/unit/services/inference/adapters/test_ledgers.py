"""One suite over both ledgers, and what only a file can show."""

import asyncio
import multiprocessing
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import date
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from services.inference.adapters.ledger import LedgerError, SqliteLedger
from services.inference.models.budgets import Account, Amount, Ledger
from services.inference.models.model import Call
from shared.release import Budget
from tests.unit.services.inference.models.ledgers import MemoryLedger
from tests.unit.services.inference.models.test_chain import (
    REPLY,
    Scripted,
    chain,
    release,
    task,
)

ACCOUNT = Account("acme", "r", date(2126, 1, 1))
LIMIT = Amount(100, 1000)
ONE = Amount(1, 10)


@pytest.fixture(params=["memory", "file"])
async def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Ledger]:
    async with AsyncExitStack() as stack:
        if request.param == "memory":
            yield MemoryLedger()
        else:
            filed = SqliteLedger(tmp_path / "sub" / "budgets.db")
            await stack.enter_async_context(filed.opened())
            yield filed


async def test_nothing_is_spent_at_first(ledger: Ledger) -> None:
    assert await ledger.spent(ACCOUNT) == Amount()


async def test_what_is_reserved_is_spent_until_it_is_given_back(ledger: Ledger) -> None:
    assert await ledger.reserve(ACCOUNT, Amount(2, 30), LIMIT)
    await ledger.give_back(ACCOUNT, Amount(0, 25))

    assert await ledger.spent(ACCOUNT) == Amount(2, 5)


@pytest.mark.parametrize("limit", [Amount(99, 5000), Amount(5000, 999), Amount(0, 5000)])
async def test_either_limit_holds_to_the_last_unit(ledger: Ledger, limit: Amount) -> None:
    granted = [await ledger.reserve(ACCOUNT, ONE, limit) for _ in range(150)]

    assert granted.count(True) == min(limit.calls, limit.nano_usd // 10)
    assert granted == sorted(granted, reverse=True)


async def test_accounts_are_kept_apart(ledger: Ledger) -> None:
    others = (
        Account("bravo", "r", ACCOUNT.day),
        Account("acme", "s", ACCOUNT.day),
        Account("acme", "r", date(2126, 1, 2)),
    )
    for account in (ACCOUNT, *others):
        assert await ledger.reserve(account, Amount(100, 0), LIMIT)
        assert not await ledger.reserve(account, ONE, LIMIT)


async def test_of_64_callers_at_once_a_hundred_calls_are_granted_and_never_one_more(
    ledger: Ledger,
) -> None:
    async def caller() -> int:
        return sum([await ledger.reserve(ACCOUNT, ONE, Amount(100, 10**6)) for _ in range(5)])

    assert sum(await asyncio.gather(*(caller() for _ in range(64)))) == 100


async def test_a_restart_forgets_nothing(tmp_path: Path) -> None:
    for _ in range(3):
        ledger = SqliteLedger(tmp_path / "budgets.db")
        async with ledger.opened():
            await ledger.reserve(ACCOUNT, ONE, LIMIT)

    ledger = SqliteLedger(tmp_path / "budgets.db")
    async with ledger.opened():
        assert await ledger.spent(ACCOUNT) == Amount(3, 30)


def _reserve_until_refused(path: Path, granted: "multiprocessing.SimpleQueue[int]") -> None:
    async def reserve() -> int:
        ledger = SqliteLedger(path)
        count = 0
        async with ledger.opened():
            while await ledger.reserve(ACCOUNT, ONE, Amount(20, 1000)):
                count += 1
        return count

    granted.put(asyncio.run(reserve()))


def test_processes_that_share_the_file_share_the_budget(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    granted = context.SimpleQueue()
    processes = [
        context.Process(target=_reserve_until_refused, args=(tmp_path / "budgets.db", granted))
        for _ in range(2)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(30)

    assert sum(granted.get() for _ in processes) == 20


async def test_a_file_that_cannot_be_written_stops_the_service_and_says_which(
    tmp_path: Path,
) -> None:
    (tmp_path / "budgets.db").mkdir()
    ledger = SqliteLedger(tmp_path / "budgets.db")
    async with ledger.opened():
        with pytest.raises(LedgerError, match="GLIDESLOPE_BUDGET_FILE"):
            await ledger.reserve(ACCOUNT, ONE, LIMIT)


async def test_a_budget_of_100_calls_is_never_101_although_the_process_dies_in_between(
    tmp_path: Path,
) -> None:
    answered = asyncio.Event()

    async def answer(_: Call) -> str:
        if len(provider.calls) >= 50:
            answered.set()
        await asyncio.sleep(0.01)
        return REPLY

    provider = Scripted(a=[answer])
    asked = task(release("p:a", "extractive", budget=Budget(calls=100)))

    async def callers(ledger: SqliteLedger) -> None:
        generator = chain(provider, ledger)

        async def caller() -> None:
            for _ in range(4):
                await generator.generate(asked)

        with capture_logs():
            await asyncio.gather(*(caller() for _ in range(64)))

    first = SqliteLedger(tmp_path / "budgets.db")
    dying = asyncio.create_task(callers(first))
    await answered.wait()
    dying.cancel()  # what was under way is never settled
    await asyncio.gather(dying, return_exceptions=True)
    second = SqliteLedger(tmp_path / "budgets.db")
    async with first.opened(), second.opened():
        await callers(second)
        account = Account.of_today("acme", asked.release.content_hash())
        assert (await second.spent(account)).calls == 100

    assert 50 <= len(provider.calls) <= 100  # some died between reservation and call
