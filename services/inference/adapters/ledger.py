"""What was spent, in an SQLite file: for all processes of a machine, and across restarts."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, TypeVar

from services.inference.models.budgets import Account, Amount
from shared.delivery import FatalError

T = TypeVar("T")
_BUSY_SECONDS: Final = 10.0
_DAYS_KEPT: Final = 62
_SCHEMA: Final = """
    CREATE TABLE IF NOT EXISTS spent (
        tenant TEXT, release TEXT, day TEXT, calls INTEGER NOT NULL, nano_usd INTEGER NOT NULL,
        PRIMARY KEY (tenant, release, day)
    ) WITHOUT ROWID, STRICT
"""
_RESERVE: Final = """
    INSERT INTO spent VALUES (:tenant, :release, :day, :calls, :nano_usd)
    ON CONFLICT DO UPDATE SET calls = calls + :calls, nano_usd = nano_usd + :nano_usd
    WHERE calls + :calls <= :most_calls AND nano_usd + :nano_usd <= :most_nano_usd
"""
_GIVE_BACK: Final = """
    UPDATE spent SET calls = calls - :calls, nano_usd = nano_usd - :nano_usd
    WHERE tenant = :tenant AND release = :release AND day = :day
"""
_SPENT: Final = """
    SELECT calls, nano_usd FROM spent
    WHERE tenant = :tenant AND release = :release AND day = :day
"""


class LedgerError(FatalError):
    """The file cannot be read or written; without it no budget can be kept."""

    def __init__(self, path: Path, error: Exception) -> None:
        super().__init__(
            f"the ledger of budgets {path} fails ({error}): mend its disk, or set "
            "GLIDESLOPE_BUDGET_FILE to another place, then start again"
        )


class SqliteLedger:
    """Implements `services.inference.models.budgets.Ledger`; opens the file when first asked.

    Write-ahead logging with a sync at each commit: what was reserved outlives a crash of the
    machine. One thread holds the connection.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ledger")
        self._connection: sqlite3.Connection | None = None

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Close the file when the context is left."""
        try:
            yield
        finally:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
            self._thread.shutdown()

    async def reserve(self, account: Account, amount: Amount, limit: Amount) -> bool:
        """See `Ledger.reserve`."""
        if amount.calls > limit.calls or amount.nano_usd > limit.nano_usd:
            return False
        told = {
            **_told(account),
            **_amount(amount),
            "most_calls": limit.calls,
            "most_nano_usd": limit.nano_usd,
        }
        return await self._run(lambda db: db.execute(_RESERVE, told).rowcount == 1)

    async def give_back(self, account: Account, amount: Amount) -> None:
        """See `Ledger.give_back`."""
        told = {**_told(account), **_amount(amount)}
        await self._run(lambda db: db.execute(_GIVE_BACK, told))

    async def spent(self, account: Account) -> Amount:
        """See `Ledger.spent`."""
        row = await self._run(lambda db: db.execute(_SPENT, _told(account)).fetchone())
        return Amount(*row) if row else Amount()

    async def _run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        loop = asyncio.get_running_loop()
        # shielded: a reservation whose caller is cancelled has an outcome all the same
        return await asyncio.shield(loop.run_in_executor(self._thread, self._work, work))

    def _work(self, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            return work(self._open())
        except (sqlite3.Error, OSError) as error:
            raise LedgerError(self._path, error) from error

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(
                self._path, timeout=_BUSY_SECONDS, isolation_level=None
            )
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = FULL")
            self._connection.execute(_SCHEMA)
            oldest = f"-{_DAYS_KEPT} days"
            self._connection.execute("DELETE FROM spent WHERE day < date('now', ?)", (oldest,))
        return self._connection

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _told(account: Account) -> dict[str, str]:
    return {
        "tenant": account.tenant,
        "release": account.release,
        "day": account.day.isoformat(),
    }


def _amount(amount: Amount) -> dict[str, int]:
    return {"calls": amount.calls, "nano_usd": amount.nano_usd}
