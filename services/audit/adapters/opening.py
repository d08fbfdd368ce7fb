"""The log of a partition, opened where it is, and begun only where there was none."""

import asyncio
from typing import Final

from services.audit.adapters.kafka import was_logged
from services.audit.adapters.stores import Stores
from services.audit.group import ENOUGH, GroupLog
from services.audit.log import MissingLogError, Store, UnavailableError
from services.audit.settings import AuditSettings

_LINGER_SECONDS: Final = 0.1  # of entries that nobody waits for


class LogOpener:
    """Opens logs as the settings say."""

    def __init__(self, settings: AuditSettings) -> None:
        self._settings = settings
        self._stores = Stores(settings)

    async def __call__(self, partition: int) -> GroupLog:
        """Return the partition's log, also while its storage is unavailable. Raises `LogError`.

        Raises `MissingLogError` where it was begun, as Kafka's offsets say, and is not there.
        """
        may_begin = self._settings.audit_new_log
        if not may_begin and await self._seems_new(partition):
            group = f"{self._settings.topic_prefix}audit"
            may_begin = not await was_logged(self._settings, group, partition)

        def open_store() -> Store:
            if not may_begin and self._stores.is_new(partition):
                origin = f"{self._settings.deployment}/{partition}"
                raise MissingLogError(origin, self._stores.place(partition))
            return self._stores.open(partition)

        enough = min(ENOUGH, max(1, self._settings.audit_in_flight // 2))
        return await GroupLog(open_store, linger=_LINGER_SECONDS, enough=enough).open()

    def close(self) -> None:
        """Let go of the keys, when every log is closed."""
        self._stores.close()

    async def _seems_new(self, partition: int) -> bool:
        try:
            return await asyncio.to_thread(self._stores.is_new, partition)
        except UnavailableError:
            return True  # it is looked at again when it is opened
