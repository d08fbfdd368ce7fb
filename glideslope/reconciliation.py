"""Whether every request ends exactly once, as arithmetic.

`requests = results + rejected + duplicates + dead letters + in flight`.

In flight is not what is left over: a request counts there if some service has a record of it yet
to work on, or a person has to decide. One without an end that nobody has anything to do with is
lost, and the two sides differ.
"""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

Position = tuple[int, int]
"""Partition and offset on `requests`."""

_LOST: Final = "lost: no end, and no service or person has anything of it to do"


@dataclass(slots=True)
class Tally:
    """How many records of each kind there are about one request.

    `fresh` counts the records that came outside the duplicate window of an earlier one, and
    `fresh_at` is when the newest of these came, in ms. `unhandled` are dead letters of the
    request itself, `stuck` those of a later stage. `pending` says that the request can go on:
    a service has not passed a record of it. `partition` is that of its newest record.
    """

    requests: int = 0
    fresh: int = 0
    fresh_at: int = 0
    results: int = 0
    rejected: int = 0
    duplicates: int = 0
    unhandled: int = 0
    stuck: int = 0
    to_review: int = 0
    reviewed: int = 0
    pending: bool = False
    partition: int = -1

    @property
    def open(self) -> int:
        """Records without an end; negative: more ends than records."""
        ended = self.results + self.rejected + self.duplicates + self.unhandled
        return self.requests - ended

    @property
    def fault(self) -> str | None:
        """What is wrong, if anything."""
        if self.requests == 0 and self.open < 0:
            return f"{self._ends()} without a request"
        if self.results + self.rejected > self.fresh or self.open < 0:
            return f"{self._ends()} for {_counted(self.requests, 'record')} of the request"
        return None

    def _ends(self) -> str:
        said = {
            "result": self.results,
            "rejection": self.rejected,
            "duplicate": self.duplicates,
            "dead letter": self.unhandled,
        }
        return ", ".join(_counted(number, what) for what, number in said.items() if number)


@dataclass(frozen=True, slots=True)
class Fault:
    """A request that did not end exactly once: lost, or ended too often.

    `digest` finds its name, where it has one.
    """

    what: str
    digest: bytes | None = None
    is_loss: bool = False


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """The standing equation over all requests that are kept.

    `dead_letters` counts requests, not records: those that end there until they are redriven.
    `lost` have no end and can come to none. `expired` are ends of requests that are older than
    what `requests` still keeps.
    """

    requests: int
    results: int
    rejected: int
    duplicates: int
    dead_letters: int
    being_worked_on: int
    waiting_for_person: int
    lost: int = 0
    expired: int = 0
    faults: tuple[Fault, ...] = ()

    @property
    def in_flight(self) -> int:
        """Requests that are on their way to an end."""
        return self.being_worked_on + self.waiting_for_person

    @property
    def adds_up(self) -> bool:
        """Whether every request has ended exactly once, or is on its way."""
        ends = self.results + self.rejected + self.duplicates + self.dead_letters + self.in_flight
        return self.requests == ends and not self.faults


def reconcile(  # noqa: PLR0913 - this much is added up
    tallies: Mapping[bytes, Tally],
    unreadable: AbstractSet[Position] = frozenset(),
    unreadable_dead: Mapping[Position, int] = MappingProxyType({}),
    unreadable_pending: AbstractSet[Position] = frozenset(),
    *,
    expired: int = 0,
    faults: Sequence[Fault] = (),
) -> Reconciliation:
    """Return the equation over requests, each with its tally under its digest.

    `unreadable` are the records of `requests` that name no request, `unreadable_dead` how many
    dead letters there are of each of these, and `unreadable_pending` those that ingest has not
    passed; `expired` and `faults` are what was seen besides.
    """
    dead = sum(tally.unhandled for tally in tallies.values()) + sum(unreadable_dead.values())
    endless = unreadable - unreadable_dead.keys()
    working = len(endless & unreadable_pending)
    waiting = 0
    lost = [
        Fault(f"record requests-{p}-{o} {_LOST}", is_loss=True)
        for p, o in sorted(endless - unreadable_pending)
    ]
    lost_records = len(lost)
    for digest, tally in tallies.items():
        here = max(tally.open, 0)
        stuck = min(here, tally.stuck)
        reviewing = min(here - stuck, max(tally.to_review - tally.reviewed, 0))
        dead += stuck
        waiting += reviewing
        rest = here - stuck - reviewing
        if tally.pending:
            working += rest
        elif rest:
            lost_records += rest
            what = f"{_counted(rest, 'record')} of the request {_LOST}"
            lost.append(Fault(what, digest, is_loss=True))
    return Reconciliation(
        requests=sum(tally.requests for tally in tallies.values()) + len(unreadable),
        results=sum(tally.results for tally in tallies.values()),
        rejected=sum(tally.rejected for tally in tallies.values()),
        duplicates=sum(tally.duplicates for tally in tallies.values()),
        dead_letters=dead,
        being_worked_on=working,
        waiting_for_person=waiting,
        lost=lost_records,
        expired=expired,
        faults=(
            *faults,
            *_unreadable_faults(unreadable, unreadable_dead),
            *lost,
            *(Fault(t.fault, digest) for digest, t in tallies.items() if t.fault is not None),
        ),
    )


def _unreadable_faults(
    unreadable: AbstractSet[Position], unreadable_dead: Mapping[Position, int]
) -> Iterator[Fault]:
    for (partition, offset), letters in unreadable_dead.items():
        if letters > 1 or (partition, offset) not in unreadable:
            yield Fault(
                f"{_counted(letters, 'dead letter')} for the unreadable record "
                f"requests-{partition}-{offset}"
            )


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
