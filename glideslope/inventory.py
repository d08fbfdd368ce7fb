"""All dead letters, grouped by their cause, and what to do about each."""

from collections.abc import Container
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple, Self

from glideslope.dead_letters import Letter, Position, read_all
from shared.cloudevents import CODES
from shared.settings import Settings

_NEVER_READABLE: Final = CODES | {"bad_data"}


class Cause(NamedTuple):
    """What dead letters of one group have in common."""

    service: str
    reason_code: str
    source_topic: str
    stack: str

    @classmethod
    def of(cls, letter: Letter) -> Self:
        """Return the group that a letter belongs to."""
        return cls(letter.came.service, letter.came.code, letter.source.name, letter.stack)

    @property
    def advice(self) -> str:
        """What to do about it."""
        if self.reason_code in _NEVER_READABLE:
            return (
                "the record is not what its topic carries: whoever sent it must send it again, "
                "mended. Redriving helps only after the service has learnt to read it"
            )
        match self.reason_code:
            case "UnknownReleaseError":
                return "register the release on the topic `releases`, then redrive"
            case "DeadlineError":
                return "its deadline has passed, and redriving does not change that: ask anew"
            case "OutputTooLargeError":
                return "less must be sent in one event; redriven as it is, it fails again"
        return f"mend the cause (the log of {self.service} says where it was raised), then redrive"


@dataclass(slots=True)
class Group:
    """The dead letters of one cause. Those not redriven yet are `waiting`.

    `failed_again` had been redriven before they came here; they are not redriven unless asked for
    by `--again`. `example` is one of the newest that wait, or of all if none does.
    """

    cause: Cause
    first: datetime
    last: datetime
    example: Position
    letters: int = 0
    redriven: int = 0
    failed_again: int = 0
    _example_waits: bool = field(default=False, repr=False)

    @property
    def waiting(self) -> int:
        """How many can still be redriven."""
        return self.letters - self.redriven

    def add(self, letter: Letter, *, redriven: bool) -> None:
        """Count one."""
        self.letters += 1
        self.redriven += redriven
        self.failed_again += letter.redrives > 0
        self.first = min(self.first, letter.at)
        self.last = max(self.last, letter.at)
        if not redriven or not self._example_waits:
            self.example = letter.position
            self._example_waits = not redriven


@dataclass(frozen=True, slots=True)
class Inventory:
    """All dead letters by cause, the newest cause first; `foreign` are records that are none."""

    groups: tuple[Group, ...]
    foreign: tuple[Position, ...]


async def take_inventory(settings: Settings, redriven: Container[Position]) -> Inventory:
    """Read all dead letters. Raises `UnreachableError` and `TopicsMissingError`."""
    groups: dict[Cause, Group] = {}
    foreign: list[Position] = []
    async for record, letter in read_all(settings):
        if letter is None:
            foreign.append(Position(record.partition, record.offset))
            continue
        cause = Cause.of(letter)
        if cause not in groups:
            groups[cause] = Group(cause, letter.at, letter.at, letter.position)
        groups[cause].add(letter, redriven=letter.position in redriven)
    newest = sorted(groups.values(), key=lambda group: group.last, reverse=True)
    return Inventory(tuple(newest), tuple(foreign))
