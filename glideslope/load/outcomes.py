"""What became of each request of a load: when it was due, when it left, how and when it ended."""

from array import array
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass
from math import isnan, nan
from typing import Final, Literal

End = Literal[
    "answered", "answered_by_person", "refused", "rejected", "duplicated", "dead_letter", "reviewed"
]
"""`reviewed`: it waits for a person, which is as far as a pipeline brings it by itself."""

ENDS: Final[tuple[End, ...]] = (
    "answered",
    "answered_by_person",
    "refused",
    "rejected",
    "reviewed",
    "duplicated",
    "dead_letter",
)
_RECENT: Final = 500


@dataclass(frozen=True, slots=True)
class Course:
    """One request. Times are seconds from the start of the load.

    `end` None: it has none. `took` counts from the moment when the request was *due*: what a
    generator that falls behind makes it wait is waiting, too (no coordinated omission).
    """

    number: int
    due: float
    sent: float
    end: End | None
    ended: float

    @property
    def took(self) -> float:
        """Seconds from when it was due to its end."""
        return self.ended - self.due

    @property
    def lag(self) -> float:
        """Seconds from when it was due to when it left the generator."""
        return self.sent - self.due


class Outcomes:
    """All requests of one load, by number.

    Those that were due before `warm_up` count in no latency, but are accounted for like all others.
    """

    def __init__(self, warm_up: float = 0.0) -> None:
        self.warm_up = warm_up
        self.open = 0
        """How many have no end yet, of those that the brokers have or may have."""
        self.undelivered: set[int] = set()
        """Those that the brokers did not confirm."""
        self.doubled: Counter[int] = Counter()
        """By how many ends too many each has."""
        self.recent: deque[float] = deque(maxlen=_RECENT)
        """How long the last ones took that ended, seconds."""
        self._due = array("d")
        self._sent = array("d")
        self._ended = array("d")
        self._ends: dict[int, End] = {}

    def __len__(self) -> int:
        return len(self._due)

    def send(self, due: float, sent: float) -> int:
        """Note that the next request leaves; return its number."""
        self._due.append(due)
        self._sent.append(sent)
        self._ended.append(nan)
        self.open += 1
        return len(self._due) - 1

    def fail(self, number: int) -> None:
        """Note that the brokers did not confirm a request."""
        self.undelivered.add(number)
        self.open -= number not in self._ends

    def end(self, number: int, end: End, at: float) -> None:
        """Note an end. What waits for a person may be decided later, which is no second end."""
        if not 0 <= number < len(self._due):
            return
        before = self._ends.get(number)
        self.open -= before is None and number not in self.undelivered
        if before is None or before == "reviewed":
            self._ends[number] = end
        elif end != "reviewed":
            self.doubled[number] += 1
        if isnan(self._ended[number]):
            self._ended[number] = at
            self.recent.append(at - self._due[number])

    @property
    def missing(self) -> list[int]:
        """Those without an end, of those that the brokers have."""
        known = self._ends.keys() | self.undelivered
        return [number for number in range(len(self._due)) if number not in known]

    def counts(self) -> Counter[End]:
        """Return how many ended how, warm-up included."""
        return Counter(self._ends.values())

    def measured(self) -> Iterator[Course]:
        """Yield those that count, in the order in which they were due."""
        for number, due in enumerate(self._due):
            if due >= self.warm_up:
                yield Course(
                    number, due, self._sent[number], self._ends.get(number), self._ended[number]
                )
