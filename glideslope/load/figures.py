"""What a load comes to: counts of every end, and latencies in an HDR histogram."""

import os
import platform
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from pathlib import Path
from statistics import quantiles
from typing import Any, Final

from hdrh.histogram import HdrHistogram

from glideslope.load.outcomes import ENDS, Course, Outcomes
from glideslope.load.pace import Pace

PERCENTILES: Final = (50.0, 90.0, 95.0, 99.0, 99.9, 100.0)
BEHIND_SECONDS: Final = 0.05
"""A generator is behind when one request in a hundred left it this late, or later."""

_HOUR_US: Final = 3_600_000_000
_DIGITS: Final = 3  # significant figures: each value is known to a thousandth of it
_MICROSECONDS: Final = 1e6
_TICKS_PER_HALF: Final = 5


def histogram(seconds: Iterable[float]) -> HdrHistogram:
    """Return an HDR histogram in microseconds; what is longer than an hour counts as an hour."""
    found = HdrHistogram(1, _HOUR_US, _DIGITS)
    for each in seconds:
        found.record_value(min(_HOUR_US, max(1, round(each * _MICROSECONDS))))
    return found


def percentiles(found: HdrHistogram) -> dict[str, float]:
    """Return percentiles in milliseconds; none of nothing."""
    if not found.get_total_count():
        return {}
    values = found.get_percentile_to_value_dict(PERCENTILES)
    return {
        ("max" if share == PERCENTILES[-1] else f"p{share:g}"): round(value / 1000, 3)
        for share, value in values.items()
    }


@dataclass(frozen=True, slots=True)
class Second:
    """What was due in one second: `p50`, `p99` and `slowest` in milliseconds, None of nothing."""

    second: int
    due: int
    ended: int
    p50: float | None
    p99: float | None
    slowest: float | None
    lag: float


@dataclass(frozen=True)
class Figures:
    """What one load comes to. Counts include the warm-up, latencies do not; both are said."""

    pace: Pace
    mix: str
    sent: int
    counts: Mapping[str, int]
    missing: Sequence[int]
    undelivered: int
    doubled: int
    measured: int
    asked_rate: float
    sent_rate: float
    ended_rate: float
    latency: HdrHistogram
    by_end: Mapping[str, HdrHistogram]
    lag: HdrHistogram
    seconds: Sequence[Second]
    machine: str

    @property
    def lost(self) -> int:
        """Requests that the brokers have and that came to no end while we waited."""
        return len(self.missing)

    @property
    def is_whole(self) -> bool:
        """Whether every request has exactly one end, and no one became a dead letter."""
        troubles = (self.lost, self.undelivered, self.doubled, self.counts.get("dead_letter", 0))
        return not any(troubles)

    @property
    def is_behind(self) -> bool:
        """Whether the generator could not keep its own pace.

        The latencies hold what it made requests wait: they are too high, never too low.
        """
        late = self.lag.get_value_at_percentile(99.0) / _MICROSECONDS
        return bool(self.measured and late >= BEHIND_SECONDS)

    def as_json(self) -> dict[str, Any]:
        """Return all of it but the histograms' buckets, for machines. Latencies are in ms."""
        return {
            "rate": {
                "asked": self.asked_rate,
                "sent": round(self.sent_rate, 2),
                "ended": round(self.ended_rate, 2),
            },
            "seconds": self.pace.seconds,
            "warm_up_seconds": self.pace.warm_up,
            "arrivals": self.pace.arrivals,
            "mix": self.mix,
            "sent": self.sent,
            "ends": {end: self.counts.get(end, 0) for end in ENDS},
            "missing": self.lost,
            "undelivered": self.undelivered,
            "doubled": self.doubled,
            "measured": self.measured,
            "latency_ms": percentiles(self.latency),
            "latency_ms_by_end": {end: percentiles(each) for end, each in self.by_end.items()},
            "generator": {"behind": self.is_behind, "lag_ms": percentiles(self.lag)},
            "machine": self.machine,
        }

    def write_hgrm(self, path: Path) -> None:
        """Write the percentile distribution in HdrHistogram's own text format, in milliseconds."""
        with path.open("wb") as file:
            self.latency.output_percentile_distribution(file, 1000.0, _TICKS_PER_HALF)


def summarise(outcomes: Outcomes, pace: Pace, mix: str) -> Figures:
    """Add up what became of a load."""
    courses = list(outcomes.measured())
    ended = [each for each in courses if each.end is not None]
    by_end: dict[str, list[float]] = defaultdict(list)
    for each in ended:
        by_end[str(each.end)].append(each.took)
    # of a load that was stopped, only the time that it lasted
    span = max((each.due for each in courses), default=0.0) + 1 / pace.rate
    sending = max((span, *(each.sent for each in courses))) - pace.warm_up
    ending = max((span, *(each.ended for each in ended))) - pace.warm_up
    return Figures(
        pace=pace,
        mix=mix,
        sent=len(outcomes),
        counts={str(end): count for end, count in outcomes.counts().items()},
        missing=outcomes.missing,
        undelivered=len(outcomes.undelivered),
        doubled=outcomes.doubled.total(),
        measured=len(courses),
        asked_rate=pace.rate,
        sent_rate=_rate(len(courses), sending),
        ended_rate=_rate(len(ended), ending),
        latency=histogram(each.took for each in ended),
        by_end={end: histogram(by_end[end]) for end in ENDS if end in by_end},
        lag=histogram(each.lag for each in courses),
        seconds=_by_second(courses),
        machine=machine(),
    )


def machine() -> str:
    """Say in a line where this ran."""
    return (
        f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {platform.system()}, "
        f"Python {platform.python_version()}"
    )


def _by_second(courses: Iterable[Course]) -> list[Second]:
    due: dict[int, list[Course]] = defaultdict(list)
    ended: dict[int, int] = defaultdict(int)
    for each in courses:
        due[int(each.due)].append(each)
        if not isnan(each.ended):
            ended[int(each.ended)] += 1
    return [
        _second(number, due[number], ended[number])
        for number in range(min(due, default=0), max([*due, *ended], default=-1) + 1)
    ]


def _second(number: int, courses: Sequence[Course], ended: int) -> Second:
    took = sorted(each.took * 1000 for each in courses if each.end is not None)
    cuts = quantiles(took, n=100, method="inclusive") if len(took) > 1 else took * 99
    return Second(
        second=number,
        due=len(courses),
        ended=ended,
        p50=cuts[49] if cuts else None,
        p99=cuts[98] if cuts else None,
        slowest=took[-1] if took else None,
        lag=max((each.lag * 1000 for each in courses), default=0.0),
    )


def _rate(count: int, seconds: float) -> float:
    return count / seconds if seconds > 0 else 0.0
