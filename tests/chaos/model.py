"""The service that the chaos tests torment: requests → a delay → requests.rejected, one for one.

Run as a program; settings come from the environment as for any service. What a handler does stands
in the question: `poison` cannot be handled, `fails N` is handled at the N+1st try, anything else is
relayed. `GLIDESLOPE_FAULT` names the step of a commit at which the process signals itself.
"""

import asyncio
import itertools
import os
import random
import signal
import time
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import Field

from shared import events, topics
from shared.delivery import Cause, Service, event_broker
from shared.delivery.errors import PermanentError
from shared.delivery.producer import TransactionalProducer
from shared.delivery.run import run
from shared.settings import Settings

STEPS: Final = {
    "before begin": ("_begin", "before"),
    "after begin": ("_begin", "after"),
    "after produce": ("_send", "after"),
    "after offsets": ("_send_offset", "after"),
    "before end": ("_end", "before"),
    "after commit": ("_end", "after"),
}
"""The steps of a commit: the producer's method, and on which side of it."""


class ModelSettings(Settings):
    """What the model service is told."""

    session_timeout_seconds: float = Field(default=3.0, ge=1)  # a test has no ten seconds
    handler_seconds: float = 0.02
    """Longest time that a handler takes."""
    starts: Path
    """File that each start of a handler is appended to: id, process, time."""
    fault: str | None = None
    """The step at which the process signals itself, one of `STEPS`."""
    fault_at: int = 1
    """At which passage through that step."""
    fault_signal: Literal["SIGKILL", "SIGSTOP"] = "SIGKILL"


class Starts:
    """The handlers' starts, of all processes that share the file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def note(self, id_: str) -> None:
        with self._path.open("a") as file:  # one short write in append mode is never torn
            file.write(f"{id_} {os.getpid()} {time.time()}\n")

    def read(self) -> list[tuple[str, int, float]]:
        """Return (id, process, time since 1970 in seconds) of each start."""
        if not self._path.exists():
            return []
        lines = [line.split() for line in self._path.read_text().splitlines()]
        return [(id_, int(process), float(at)) for id_, process, at in lines]

    def count(self, id_: str) -> int:
        return sum(id_ == started for started, _, _ in self.read())


def build(settings: ModelSettings) -> Service:
    """Return the model service."""
    broker = event_broker(settings)
    relayed = broker.publisher(settings.topic(topics.REQUESTS_REJECTED))
    starts = Starts(settings.starts)

    @broker.subscriber(settings.topic(topics.REQUESTS))
    async def relay(data: events.RequestSubmitted, cause: Cause) -> None:
        starts.note(cause.id)
        await asyncio.sleep(random.uniform(0, settings.handler_seconds))
        if data.question == "poison":
            raise PermanentError(data.question)
        if data.question.startswith("fails"):
            _, tries = data.question.split()
            if starts.count(cause.id) <= int(tries):
                raise RuntimeError(data.question)
        await relayed.publish(
            events.RequestRejected(
                request_id=cause.id,
                request_source=cause.source,
                code="relayed",
                message=str(os.getpid()),
            )
        )

    return Service("ingest", broker, settings)


def arm(step: str, passage: int, number: signal.Signals) -> None:
    """Have this process signal itself when it passes a commit's step for the given time."""
    name, side = STEPS[step]
    method = getattr(TransactionalProducer, name)
    passages = itertools.count(1)

    async def faulty(producer: TransactionalProducer, *arguments: Any) -> None:
        now = next(passages) == passage
        if now and side == "before":
            os.kill(os.getpid(), number)
        await method(producer, *arguments)
        if now and side == "after":
            os.kill(os.getpid(), number)

    setattr(TransactionalProducer, name, faulty)


if __name__ == "__main__":
    settings = ModelSettings()
    if settings.fault:
        arm(settings.fault, settings.fault_at, signal.Signals[settings.fault_signal])
    run(build(settings))
