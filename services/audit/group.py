"""Many appends, one write: what arrives while the disk is busy goes out together after it."""

import asyncio
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final, Self

import structlog

from services.audit.entry import Entry
from services.audit.log import Appended, LogError, Store, UnavailableError
from shared.delivery.errors import FatalError

_ENTRIES_AT_ONCE: Final = 512
_BYTES_AT_ONCE: Final = 4 << 20
_PUBLISH_SECONDS: Final = 0.1
_TEND_SECONDS: Final = 1.0
_SHORTEST_HOLD: Final = 0.1
_LONGEST_HOLD: Final = 5.0
ENOUGH: Final = 64  # entries that need not wait for more

log = structlog.get_logger(__name__)

Waiting = tuple[Entry, asyncio.Future[Appended]]


class GroupLog:
    """A `Log` over a `Store`: one write, and so one fsync, for all entries that wait.

    Entries are written in the order of the calls of `append`. The store works in a thread; the
    event loop never waits for the disk. While the storage is unavailable everything waits, and
    the store is opened anew until it works; `problem` says so meanwhile.

    What decides a request is written at once, with all that came before it. While nothing does, a
    few entries are gathered for `linger` seconds: nobody waits for their receipts. `enough` of them
    are written at once; it must be fewer than can wait at a time, or each write lingers.
    """

    def __init__(
        self, open_store: Callable[[], Store], *, linger: float = 0.0, enough: int = ENOUGH
    ) -> None:
        self.problem: str | None = None
        """What stands in the way of writing, None while nothing does."""
        self._open_store = open_store
        self._linger = linger
        self._enough = enough
        self._store: Store | None = None
        self._waiting: deque[Waiting] = deque()
        self._something = asyncio.Event()
        self._is_due = asyncio.Event()
        self._closing = asyncio.Event()
        self._failure: Exception | None = None
        self._hold = _SHORTEST_HOLD
        self._writer: asyncio.Task[None] | None = None

    async def open(self) -> Self:
        """Open the store; where it is unavailable, wait for it from here on. Raises `LogError`."""
        try:
            self._store = await asyncio.to_thread(self._open_store)
        except UnavailableError as error:
            self._note(error)
        self._writer = asyncio.create_task(self._write())
        return self

    async def append(self, entry: Entry) -> Appended:
        """Return once the entry is durable. Raises `LogError`."""
        if self._failure is not None:
            raise _own(self._failure)
        appended: asyncio.Future[Appended] = asyncio.get_running_loop().create_future()
        self._waiting.append((entry, appended))
        self._something.set()
        if entry.decides is not None or len(self._waiting) >= self._enough:
            self._is_due.set()
        return await appended

    async def close(self) -> None:
        """Finish what is being appended, unless the storage is unavailable; close the store."""
        self._closing.set()
        self._something.set()
        self._is_due.set()
        if self._writer is not None:
            await self._writer
        await self._close_store()

    async def _write(self) -> None:
        batch: list[Waiting] = []
        idle = 0
        while batch or self._waiting or not self._closing.is_set():
            if self._waiting and not batch:
                await _came(self._is_due, self._linger)
            if not batch and not (batch := self._next()):
                if not await _came(self._something, _TEND_SECONDS if idle else _PUBLISH_SECONDS):
                    idle += 1
                else:
                    idle = 0
                    continue
            try:
                await self._written(batch)
            except UnavailableError as error:
                self._note(error)
                await self._close_store()
                if self._closing.is_set():
                    self._fail(batch, error)
                    return
                await _came(self._closing, self._hold)
                self._hold = min(2 * self._hold, _LONGEST_HOLD)
            except Exception as error:  # noqa: BLE001 - raised in every append that waits for it
                self._fail(batch, error)
                return
            else:
                batch = []

    async def _written(self, batch: list[Waiting]) -> None:
        """Append a batch, or with none do what else is due."""
        if self._store is None:
            self._store = await asyncio.to_thread(self._open_store)
        if batch:
            entries = [entry for entry, _ in batch]
            all_appended = await asyncio.to_thread(self._store.append, entries)
            for (_, future), appended in zip(batch, all_appended, strict=True):
                if not future.done():  # else its handler was cancelled; the entry stays
                    future.set_result(appended)
        else:
            await asyncio.to_thread(self._store.tend)
        if self.problem is not None:
            log.info("audit log is back", was=self.problem)
            self.problem = None
            self._hold = _SHORTEST_HOLD

    def _next(self) -> list[Waiting]:
        """Take what waits, as much as one write should have."""
        batch: list[Waiting] = []
        size = 0
        while self._waiting and len(batch) < _ENTRIES_AT_ONCE and size < _BYTES_AT_ONCE:
            batch.append(self._waiting.popleft())
            size += len(batch[-1][0].value or b"")
        self._something.clear()
        if not self._waiting and not self._closing.is_set():
            self._is_due.clear()
        return batch

    def _note(self, error: Exception) -> None:
        if self.problem is None:
            log.error("audit log unavailable, records are held back", error=str(error))
            self.problem = f"since {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC: {error}"

    async def _close_store(self) -> None:
        store, self._store = self._store, None
        if store is not None:
            await asyncio.to_thread(store.close)

    def _fail(self, batch: list[Waiting], error: Exception) -> None:
        self._failure = error
        self.problem = self.problem or str(error)
        for _, future in (*batch, *self._waiting):
            if not future.done():
                future.set_exception(_own(error))
        self._waiting.clear()


async def _came(event: asyncio.Event, seconds: float) -> bool:
    """Wait for an event; say whether it came in time."""
    try:
        async with asyncio.timeout(seconds):
            return await event.wait()
    except TimeoutError:
        return False


def _own(error: Exception) -> FatalError:
    """Return an error for one append: raised in several, one error would mix up tracebacks."""
    own = type(error)(str(error)) if isinstance(error, FatalError) else LogError(repr(error))
    own.__cause__ = error
    return own
