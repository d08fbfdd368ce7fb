"""Logs as the settings say."""

import asyncio
from pathlib import Path

import pytest

from services.audit.adapters import opening
from services.audit.adapters.opening import LogOpener
from services.audit.entry import Entry
from services.audit.settings import AuditSettings


@pytest.mark.parametrize("in_flight", [1, 2, 5])
async def test_a_write_does_not_linger_for_more_entries_than_can_wait(
    in_flight: int, entries: list[Entry], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "_LINGER_SECONDS", 3600)
    settings = AuditSettings(home=tmp_path, audit_in_flight=in_flight, audit_new_log=True)
    opener = LogOpener(settings)
    log = await opener(0)
    try:
        async with asyncio.timeout(10):
            appended = await asyncio.gather(*(log.append(entry) for entry in entries[:in_flight]))
    finally:
        await log.close()
        opener.close()

    assert [each.receipt.index for each in appended] == list(range(in_flight))
