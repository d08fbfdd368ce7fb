"""Many appends, one write: what arrives while the disk is busy goes out together after it."""

import asyncio

from services.audit.entry import Entry
from services.audit.log import Appended, Store, WriteFailedError

Waiting = tuple[Entry, asyncio.Future[Appended]]


class GroupLog:
    """A `Log` over a `Store`: one write, and so one fsync, for all entries that wait.

    The store works in a thread; the event loop never waits for the disk.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: list[Waiting] = []
        self._writer: asyncio.Task[None] | None = None

    async def append(self, entry: Entry) -> Appended:
        """Return once the entry is durable. Raises `LogError`."""
        appended: asyncio.Future[Appended] = asyncio.get_running_loop().create_future()
        self._waiting.append((entry, appended))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write())
        return await appended

    async def close(self) -> None:
        """Finish what is being appended, then close the store."""
        if self._writer is not None:
            await self._writer
        await asyncio.to_thread(self._store.close)

    async def _write(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            try:
                all_appended = await asyncio.to_thread(
                    self._store.append, [entry for entry, _ in batch]
                )
            except Exception as error:  # noqa: BLE001 - raised in every append that waits for it
                for _, future in batch:
                    if not future.done():
                        future.set_exception(_own(error))
            else:
                for (_, future), appended in zip(batch, all_appended, strict=True):
                    if not future.done():  # else its handler was cancelled; the entry stays
                        future.set_result(appended)


def _own(error: Exception) -> WriteFailedError:
    """Return an error for one append: raised in several, one error would mix up tracebacks."""
    own = WriteFailedError(str(error))
    own.__cause__ = error
    return own
