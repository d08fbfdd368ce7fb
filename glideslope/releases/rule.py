"""When a canary is rolled back by itself: the settings, and the rule that they make."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import log
from typing import Annotated, Final, Literal

from pydantic import Field

from glideslope.releases.outcomes import Outcome
from glideslope.releases.sequential import Evidence
from shared.settings import Settings

MeasureName = Literal["answer_rate", "approval_rate", "support", "latency", "failures"]


class WatchSettings(Settings):
    """The shared settings, and those of `glideslope release watch`."""

    watch_measures: Annotated[tuple[MeasureName, ...], Field(min_length=1)] = Field(
        default=("answer_rate", "approval_rate", "failures"),
        description="In which of these a canary must not be worse: `answer_rate`, "
        "`approval_rate`, `support`, `latency`, `failures`. JSON list.",
    )
    watch_minimum: int = Field(
        default=30, ge=1, description="Conversations of a canary before it is rolled back."
    )
    watch_alpha: float = Field(
        default=0.05,
        gt=0,
        lt=1,
        description="How likely a canary that is not worse may be rolled back, ever, by all "
        "measures together.",
    )
    watch_slow_seconds: float = Field(
        default=10.0,
        gt=0,
        description="A decision that takes longer is slow; `latency` is the share of these.",
    )


Bad = Callable[[Outcome, WatchSettings], float | None]
"""How bad an outcome is, from 0 to 1; None where that measure says nothing of it."""

_BAD: Final[Mapping[MeasureName, Bad]] = {
    "answer_rate": lambda outcome, _: 1 - outcome.is_answered,
    "approval_rate": lambda outcome, _: outcome.route != "approved",
    "support": lambda outcome, _: None if outcome.support is None else 1 - outcome.support,
    "latency": lambda outcome, settings: (
        None if outcome.seconds is None else outcome.seconds > settings.watch_slow_seconds
    ),
    "failures": lambda outcome, _: outcome.route == "failed",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """How one measure stands: the share that is bad on either side, and the evidence.

    `evidence` is as rare as 1 in so many where the canary is not worse; `needed` is from where on
    it is rolled back.
    """

    measure: MeasureName
    control: float | None
    controls: int
    canary: float | None
    canaries: int
    evidence: float
    needed: float

    def __str__(self) -> str:
        """Say it to a person."""
        if self.control is None or self.canary is None:
            return f"{self.measure}: nothing yet"
        return (
            f"{self.measure}: bad in {self.canary:.1%} of {self.canaries} conversations on the "
            f"canary, in {self.control:.1%} of {self.controls} beside it; evidence "
            f"{self.evidence:.3g}, {self.needed:.3g} needed"
        )


class Rule:
    """Follows what becomes of conversations on the canary and beside it.

    A conversation counts once, by its first outcome: its requests are too much alike to be as
    many witnesses. `control` is the release beside it; None takes every other for it.
    """

    def __init__(self, canary: str, control: str | None, settings: WatchSettings) -> None:
        self._canary = canary
        self._control = control
        self._settings = settings
        self._seen: set[str] = set()
        self._evidence: dict[MeasureName, Evidence] = {
            name: Evidence() for name in dict.fromkeys(settings.watch_measures)
        }
        self._needed = len(self._evidence) / settings.watch_alpha

    def add(self, outcome: Outcome) -> None:
        """Take in what a request has come to."""
        is_canary = outcome.release == self._canary
        if not is_canary and self._control not in {None, outcome.release}:
            return
        if outcome.conversation in self._seen:
            return
        self._seen.add(outcome.conversation)
        for name, evidence in self._evidence.items():
            if (bad := _BAD[name](outcome, self._settings)) is not None:
                (evidence.add_canary if is_canary else evidence.add_control)(float(bad))

    def findings(self) -> Iterator[Finding]:
        """Yield how each measure stands."""
        for name, evidence in self._evidence.items():
            yield Finding(
                name,
                evidence.control_mean,
                evidence.controls,
                evidence.canary_mean,
                evidence.canaries,
                evidence.value,
                self._needed,
            )

    def alarm(self) -> Finding | None:
        """Return the measure in which the canary is worse; None while none is sure enough."""
        for name, evidence in self._evidence.items():
            if evidence.canaries < self._settings.watch_minimum:
                continue
            if evidence.log_value >= log(self._needed):
                return next(each for each in self.findings() if each.measure == name)
        return None
