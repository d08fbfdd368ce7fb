"""How the emulator is to behave: how fast it is, and in which way it fails."""

import math
import random
from collections import Counter
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class Fault(StrEnum):
    """A way to fail. In a stream, the first five happen before it begins."""

    NONE = "none"
    THROTTLED = "throttled"
    """429 (ThrottlingException), with Retry-After if `retry_after` is set."""
    UNAVAILABLE = "unavailable"
    """503 (ServiceUnavailableException)."""
    DENIED = "denied"
    """403 (AccessDeniedException)."""
    CONTEXT_TOO_LONG = "context_too_long"
    """400: the input is longer than the model takes."""
    DOWN = "down"
    """The connection is reset without a reply."""
    TIMEOUT = "timeout"
    """No reply, ever."""
    STALLED = "stalled"
    """A part of the answer, then nothing."""
    RESET = "reset"
    """A part of the answer, then the connection is reset."""
    MALFORMED = "malformed"
    """What comes is not what the protocol says."""
    FILTERED = "content_filtered"
    """The provider's content filter, or a guardrail, stops it."""
    EMPTY = "empty"
    """An answer without text."""
    CUT = "cut"
    """The answer ends because it may be no longer."""
    PROSE = "prose"
    """An answer that is not in the form that was asked for."""
    WRONG = "wrong"
    """An answer with a number that stands nowhere."""
    REFUSED = "refused"
    """The model says that the passages hold no answer."""


class Behaviour(BaseModel):
    """How calls of the models that `model` matches (with * and ?) are answered.

    `fault` befalls the `share` of them, and only the first `times` if that is set. The whole answer
    takes `latency_seconds` on average, distributed log-normally with `sigma`, and comes in `pieces`
    where it is streamed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str = "*"
    fault: Fault = Fault.NONE
    share: Annotated[float, Field(ge=0, le=1)] = 1.0
    times: Annotated[int, Field(ge=1)] | None = None
    retry_after: Annotated[float, Field(ge=0)] | None = None
    latency_seconds: Annotated[float, Field(ge=0)] = 0.0
    sigma: Annotated[float, Field(ge=0)] = 0.0
    pieces: Annotated[int, Field(ge=1)] = 4


class Script:
    """What the emulator has been told; of several behaviours that match, the last told counts.

    `calls` counts by (model, fault) what came.
    """

    def __init__(self, *behaviours: Behaviour, seed: int = 0) -> None:
        self._behaviours = list(behaviours)
        self._chance = random.Random(seed)  # noqa: S311 - no secret
        self._befallen: Counter[Behaviour] = Counter()
        self.calls: Counter[tuple[str, str]] = Counter()

    def tell(self, *behaviours: Behaviour) -> None:
        """Forget what was told before, and behave so."""
        self._behaviours = list(behaviours)
        self._befallen.clear()

    def next(self, model: str, prompt: str = "") -> tuple[Fault, Behaviour, float]:  # noqa: ARG002 - for scripts that look at it
        """Return what befalls the next call of a model, and in how many seconds it is answered."""
        behaviour = next(
            (b for b in reversed(self._behaviours) if fnmatchcase(model, b.model)), Behaviour()
        )
        fault = behaviour.fault
        if fault is not Fault.NONE:
            spent = behaviour.times is not None and self._befallen[behaviour] >= behaviour.times
            if spent or self._chance.random() >= behaviour.share:
                fault = Fault.NONE
            else:
                self._befallen[behaviour] += 1
        self.calls[model, fault] += 1
        return fault, behaviour, self._seconds(behaviour)

    def _seconds(self, behaviour: Behaviour) -> float:
        mean, sigma = behaviour.latency_seconds, behaviour.sigma
        if mean == 0 or sigma == 0:
            return mean
        return self._chance.lognormvariate(math.log(mean) - sigma**2 / 2, sigma)
