"""Ctrl-C, and a polite kill: the first drains, a second one does not wait."""

import asyncio
import os
import signal
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

T = TypeVar("T")

INTERRUPTED: Final = 130
"""Exit code: 128 + SIGINT, as a shell gives it."""


async def interruptible(work: Coroutine[Any, Any, T], kill: Callable[[], None]) -> T:
    """Return what `work` does; the first SIGINT or SIGTERM cancels it, so that it can drain.

    A second one calls `kill` and ends this process. SIGINT counts also where the shell has this
    process ignore it, as it does with what runs in the background. Raises `CancelledError` where
    the work does.
    """
    loop = asyncio.get_running_loop()
    task = loop.create_task(work)

    def interrupt() -> None:
        if task.cancelling():
            kill()
            os._exit(INTERRUPTED)
        task.cancel()

    signals = (signal.SIGINT, signal.SIGTERM)
    for signum in signals:
        loop.add_signal_handler(signum, interrupt)
    try:
        return await task
    finally:
        for signum in signals:
            loop.remove_signal_handler(signum)
