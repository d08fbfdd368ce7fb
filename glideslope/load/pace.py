"""When requests are due: an open loop, in which no request waits for another's answer."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count, takewhile
from typing import Literal

Arrivals = Literal["even", "poisson"]


@dataclass(frozen=True, slots=True)
class Pace:
    """`rate` requests a second for `seconds`, after `warm_up` seconds that do not count.

    `even`: one every 1/rate seconds. `poisson`: at random moments, as of many senders who know
    nothing of each other; their number then differs a little from rate x seconds. A load of
    infinite seconds lasts until it is stopped.
    """

    rate: float
    seconds: float
    warm_up: float = 0.0
    arrivals: Arrivals = "even"
    seed: int = 0

    @property
    def duration(self) -> float:
        """Seconds in which requests are sent, warm-up included."""
        return self.warm_up + self.seconds

    def due(self) -> Iterator[float]:
        """Yield the moments at which requests are due, in seconds from the start."""
        if self.arrivals == "even":
            spaced = (number / self.rate for number in count())
            yield from takewhile(lambda at: at < self.duration, spaced)
            return
        chance = random.Random(self.seed)  # noqa: S311 - no secret: a run can be repeated
        at = chance.expovariate(self.rate)
        while at < self.duration:
            yield at
            at += chance.expovariate(self.rate)
