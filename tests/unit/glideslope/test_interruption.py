import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from glideslope.interruption import interruptible


@contextmanager
def ignored(signum: signal.Signals) -> Iterator[None]:
    before = signal.signal(signum, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signum, before)


def never() -> None:
    raise AssertionError("one signal kills nothing")


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_lets_the_work_drain_also_where_a_shell_had_it_ignored(
    signum: signal.Signals,
) -> None:
    async def work() -> str:
        try:
            os.kill(os.getpid(), signum)
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return "drained"
        return "never"

    with ignored(signum):
        assert await interruptible(work(), never) == "drained"


async def test_a_second_signal_kills_and_ends_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[object] = []
    monkeypatch.setattr(os, "_exit", ended.append)

    async def hanging() -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.Event().wait()  # until `_exit`, which here lets it be cancelled once more

    with pytest.raises(asyncio.CancelledError):
        await interruptible(hanging(), lambda: ended.append("killed"))
    assert ended == ["killed", 130]
