"""The emulator as a program of its own: a question that says `(takes 0.412 s)` takes that long."""

import asyncio
import json
import re
import signal
import sys
from typing import Final

from glideslope.emulator.behaviour import Behaviour, Fault, Script
from glideslope.emulator.server import serving

_FIRST: Final = re.compile(r"<passage [^>]*>\n([^.]*\.)")
_TAKES: Final = re.compile(r"\(takes (\d+\.\d+) s\)")


class Told(Script):
    """A script in which each question says how long its answer takes."""

    def next(self, model: str, prompt: str = "") -> tuple[Fault, Behaviour, float]:
        """See `Script.next`."""
        fault, behaviour, _ = super().next(model, prompt)
        found = _TAKES.search(prompt)
        return fault, behaviour, float(found.group(1)) if found else 0.0


def first_sentence(prompt: str, _fault: Fault) -> str:
    """Return a reply that quotes how the first passage begins: what says it must cost nothing."""
    found = _FIRST.search(prompt)
    quote = found.group(1) if found else ""
    citation = {"passage": 1, "quote": quote}
    claims = [{"text": quote, "citations": [citation]}]
    return json.dumps({"answerable": True, "claims": claims})


async def main() -> None:
    """Serve until SIGTERM; the first line printed is the address."""
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    async with serving(Told(), say=first_sentence) as url:
        sys.stdout.write(f"{url}\n")
        sys.stdout.flush()
        await ended.wait()


if __name__ == "__main__":
    asyncio.run(main())
