"""The emulator as a program of its own: a question that says `(takes 0.412 s)` takes that long."""

import asyncio
import re
import signal
import sys
from typing import Final

from glideslope.emulator.behaviour import Behaviour, Fault, Script
from glideslope.emulator.server import serving

_TAKES: Final = re.compile(r"\(takes (\d+\.\d+) s\)")


class Told(Script):
    """A script in which each question says how long its answer takes."""

    def next(self, model: str, prompt: str = "") -> tuple[Fault, Behaviour, float]:
        """See `Script.next`."""
        fault, behaviour, _ = super().next(model, prompt)
        found = _TAKES.search(prompt)
        return fault, behaviour, float(found.group(1)) if found else 0.0


async def main() -> None:
    """Serve until SIGTERM; the first line printed is the address."""
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    async with serving(Told()) as url:
        sys.stdout.write(f"{url}\n")
        sys.stdout.flush()
        await ended.wait()


if __name__ == "__main__":
    asyncio.run(main())
