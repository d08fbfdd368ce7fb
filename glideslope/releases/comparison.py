"""Is one release better than another? Said measure by measure, and never more than is known.

All measures together are wrong with probability 1 - `LEVEL` at the most when there is no
difference at all: each has its share of that (Bonferroni).
"""

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from evals.comparison import Outcome as Verdict
from glideslope.releases import intervals
from glideslope.releases.intervals import CONVERSATIONS_AT_LEAST, Interval, Sample
from glideslope.releases.outcomes import Outcome

LEVEL: Final = 0.95
"""How surely nothing is said that is not so, of all measures together."""


@dataclass(frozen=True, slots=True)
class Measure:
    """Something that outcomes have; of one without it (None) nothing is said."""

    name: str
    about: str
    best: Literal["high", "low"]
    of: Callable[[Any], float | None]
    kind: Literal["rate", "mean"] = "rate"


LIVE: Final = (
    Measure("answer_rate", "an answer was found", "high", lambda o: o.is_answered),
    Measure("approval_rate", "it left without a person", "high", lambda o: o.route == "approved"),
    Measure("review_rate", "it went to a person", "low", lambda o: o.route == "review"),
    Measure("support", "how likely an answer is supported", "high", lambda o: o.support, "mean"),
    Measure("latency", "seconds to the decision", "low", lambda o: o.seconds, "mean"),
    Measure("cost", "US dollars a request", "low", lambda o: o.cost, "mean"),
)
"""What is compared of requests; each of an `Outcome`."""

COPIES: Final = tuple(measure for measure in LIVE if measure.name != "latency")
"""What is compared of copies, which wait for the others; each of an `Outcome`."""

LABELLED: Final = (
    Measure("approval_rate", "it is approved", "high", lambda j: j.route.name == "APPROVED"),
    Measure("review_rate", "it goes to a person", "low", lambda j: j.route.name == "REVIEW"),
    Measure(
        "wrong_approval_rate",
        "it is approved, and not supported",
        "low",
        lambda j: j.route.name == "APPROVED" and not j.example.supported,
    ),
)
"""What is compared on labelled answers; each of an `evals.judging.Judged`."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One measure of both releases. `interval` is None where nothing can be said, for `why`."""

    measure: str
    about: str
    a: float | None
    b: float | None
    interval: Interval | None
    outcome: Verdict
    why: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A comparison from one kind of data: `source`, with how many requests of each release."""

    source: str
    requests_a: int
    requests_b: int
    differences: tuple[Difference, ...]

    @property
    def outcome(self) -> Verdict:
        """What all measures say together: better in one and worse in none, or the reverse."""
        return overall(each.outcome for each in self.differences)

    def as_data(self) -> dict[str, Any]:
        """Return it for machines."""
        return {
            "source": self.source,
            "requests": {"a": self.requests_a, "b": self.requests_b},
            "outcome": self.outcome.value,
            "level": LEVEL,
            "measures": [
                {
                    "measure": each.measure,
                    "a": each.a,
                    "b": each.b,
                    "difference": each.interval and each.interval.value,
                    "low": each.interval and each.interval.low,
                    "high": each.interval and each.interval.high,
                    "outcome": each.outcome.value,
                    "why": each.why,
                }
                for each in self.differences
            ],
        }


def overall(outcomes: Iterable[Verdict]) -> Verdict:
    """Return what several say together; where they disagree, a person has to weigh them."""
    said = set(outcomes) - {Verdict.INCONCLUSIVE}
    return said.pop() if len(said) == 1 else Verdict.INCONCLUSIVE


def compare(one: Sequence[Outcome], other: Sequence[Outcome]) -> Comparison:
    """Compare what two releases answered of the same time, each its own requests.

    What only one of them was asked in is left out: another day has other questions.
    """
    first, second = _of_the_same_time(one, other)
    level = 1 - (1 - LEVEL) / len(LIVE)
    found = [
        _difference(measure, _sample(measure, first), _sample(measure, second), level)
        for measure in LIVE
    ]
    return Comparison("live", len(first), len(second), tuple(found))


def compare_pairs(
    source: str,
    pairs: Sequence[tuple[Any, Any]],
    groups: Sequence[Hashable],
    measures: Sequence[Measure],
) -> Comparison:
    """Compare what two releases made of the same things; `groups` says what belongs together."""
    level = 1 - (1 - LEVEL) / len(measures)
    found = [_paired(measure, pairs, groups, level) for measure in measures]
    return Comparison(source, len(pairs), len(pairs), tuple(found))


def _of_the_same_time(
    one: Sequence[Outcome], other: Sequence[Outcome]
) -> tuple[list[Outcome], list[Outcome]]:
    if not one or not other:
        return list(one), list(other)
    times = [[each.received_at for each in some] for some in (one, other)]
    start, end = max(map(min, times)), min(map(max, times))
    first, second = (
        [each for each in some if start <= each.received_at <= end] for some in (one, other)
    )
    return first, second


def _sample(measure: Measure, outcomes: Iterable[Outcome]) -> Sample:
    known = [(value, o.conversation) for o in outcomes if (value := measure.of(o)) is not None]
    return Sample([float(value) for value, _ in known], [each for _, each in known])


def _difference(measure: Measure, first: Sample, second: Sample, level: float) -> Difference:
    a, b = (each.mean if each.count else None for each in (first, second))
    if not (first.is_enough and second.is_enough):
        return _unknown(measure, a, b, min(first.conversations, second.conversations))
    method = intervals.rates if measure.kind == "rate" else intervals.means
    return _known(measure, a, b, method(first, second, level))


def _paired(
    measure: Measure, pairs: Sequence[tuple[Any, Any]], groups: Sequence[Hashable], level: float
) -> Difference:
    known = [
        (float(a), float(b), group)
        for (one, other), group in zip(pairs, groups, strict=True)
        if (a := measure.of(one)) is not None and (b := measure.of(other)) is not None
    ]
    if not known:
        return _unknown(measure, None, None, 0)
    differences = Sample([b - a for a, b, _ in known], [group for *_, group in known])
    mean_a = sum(a for a, _, _ in known) / len(known)
    mean_b = sum(b for _, b, _ in known) / len(known)
    if not differences.is_enough:
        return _unknown(measure, mean_a, mean_b, differences.conversations)
    if measure.kind == "rate":
        wins, losses = sum(b > a for a, b, _ in known), sum(b < a for a, b, _ in known)
        found = intervals.paired_rates(differences, wins, losses, level)
    else:
        found = intervals.paired_means(differences, level)
    return _known(measure, mean_a, mean_b, found)


def _known(measure: Measure, a: float | None, b: float | None, found: Interval) -> Difference:
    better, worse = found.low > 0, found.high < 0
    if measure.best == "low":
        better, worse = worse, better
    outcome = Verdict.BETTER if better else Verdict.WORSE if worse else Verdict.INCONCLUSIVE
    return Difference(measure.name, measure.about, a, b, found, outcome)


def _unknown(measure: Measure, a: float | None, b: float | None, there: int) -> Difference:
    why = f"{there} conversations, {CONVERSATIONS_AT_LEAST} at least are needed"
    return Difference(measure.name, measure.about, a, b, None, Verdict.INCONCLUSIVE, why)
