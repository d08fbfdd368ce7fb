"""Is the canary worse? Asked after every request, and still wrong as seldom as is said.

An e-process for two streams of values from 0 (good) to 1 (bad): Turner, Ly and Grünwald, "Generic
E-variables for exact sequential k-sample tests that allow for optional stopping" (2024). In each
block the likelihood of what came, if the canary is as much worse as it seemed before, is divided by
that if both are alike at the nearest rate. While the canary is not worse the product grows beyond
1/a with probability a at the most, however often one looks and whenever one stops (Ville's
inequality); no sample is too small for that to hold, and both rates may drift together. For values
between 0 and 1 it holds as well, because the ratio is convex in the value.
"""

from dataclasses import dataclass
from math import exp, log
from typing import Final

_PRIOR: Final = 0.18  # pseudo-counts of each kind; the paper's choice
_APART: Final = 1e-9


@dataclass(slots=True)
class _Rate:
    """What is known of one stream: a beta posterior's mean."""

    bad: float = 0.0
    count: int = 0

    @property
    def mean(self) -> float:
        return (self.bad + _PRIOR) / (self.count + 2 * _PRIOR)

    @property
    def seen(self) -> float | None:
        return self.bad / self.count if self.count else None

    def add(self, value: float) -> None:
        self.bad += value
        self.count += 1


class Evidence:
    """The evidence that the canary's values are higher than the control's.

    Values wait until there is a block: everything of the control since the last one, and one of
    the canary. Which values make a block depends on nothing that they say.
    """

    def __init__(self) -> None:
        self._control, self._canary = _Rate(), _Rate()
        self._waiting: list[float] = []
        self._canary_waiting: list[float] = []
        self._log = 0.0
        self._highest = 0.0

    @property
    def controls(self) -> int:
        """How many values of the control are in it."""
        return self._control.count

    @property
    def canaries(self) -> int:
        """How many values of the canary are in it."""
        return self._canary.count

    @property
    def log_value(self) -> float:
        """The logarithm of the highest product so far: Ville's inequality is about that."""
        return self._highest

    @property
    def value(self) -> float:
        """The same as a number: 20 is as rare as 1 in 20 where the canary is not worse."""
        return exp(min(self._highest, 700.0))

    @property
    def control_mean(self) -> float | None:
        """The mean of what the control has given, None without any."""
        return self._control.seen

    @property
    def canary_mean(self) -> float | None:
        """The mean of what the canary has given, None without any."""
        return self._canary.seen

    def add_control(self, value: float) -> None:
        """Take in a value of the control."""
        self._waiting.append(value)
        self._close()

    def add_canary(self, value: float) -> None:
        """Take in a value of the canary."""
        self._canary_waiting.append(value)
        self._close()

    def _close(self) -> None:
        """Make a block of what waits, if there is something of both."""
        if not (self._waiting and self._canary_waiting):
            return
        controls, canaries = self._waiting, self._canary_waiting
        self._waiting, self._canary_waiting = [], []
        one, other = self._control.mean, self._canary.mean
        if other > one + _APART:  # else there is nothing to bet on, and nothing is won or lost
            both = (len(controls) * one + len(canaries) * other) / (len(controls) + len(canaries))
            self._log += sum(_ratio(value, one, both) for value in controls)
            self._log += sum(_ratio(value, other, both) for value in canaries)
            self._highest = max(self._highest, self._log)
        for value in controls:
            self._control.add(value)
        for value in canaries:
            self._canary.add(value)


def _ratio(value: float, supposed: float, alike: float) -> float:
    return value * log(supposed / alike) + (1 - value) * log((1 - supposed) / (1 - alike))
