"""What a verification finds, and what it comes to."""

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Final


class Verdict(IntEnum):
    """What is to be thought of a log; the value is the exit code of `audit verify`.

    Where several hold, `TAMPERED` goes before `INCOMPLETE`, and that before `UNVERIFIABLE`.
    """

    INTACT = 0
    TAMPERED = 20
    INCOMPLETE = 21
    UNVERIFIABLE = 22


class Problem(StrEnum):
    """What is wrong with an object. The text stands in reports and in docs/audit.md."""

    # tampered
    SIGNATURE = "signature"
    CHECKPOINT = "checkpoint"
    ROOT = "root"
    ROLLED_BACK = "rolled-back"
    FORK = "fork"
    ENTRY = "entry"
    TILE = "tile"
    LEAF = "leaf"
    DOUBLED = "doubled"
    BLOB = "blob"
    DECRYPTION = "decryption"
    KEY_LIVES = "key-lives"
    ORPHAN = "orphan"
    KEY = "key"
    OVERWRITTEN = "overwritten"
    DELETED = "deleted"
    # incomplete
    MISSING = "missing"
    UNFINISHED = "unfinished"
    KEY_GONE = "key-gone"
    UNLOCKED = "unlocked"
    ORDER = "order"
    # unverifiable
    NO_LOG = "no-log"
    NO_KEY = "no-key"
    UNREADABLE = "unreadable"
    UNWITNESSED = "unwitnessed"

    @property
    def verdict(self) -> Verdict:
        """What the problem makes of a log."""
        if self in _INCOMPLETE:
            return Verdict.INCOMPLETE
        if self in _UNVERIFIABLE:
            return Verdict.UNVERIFIABLE
        return Verdict.TAMPERED


_INCOMPLETE: Final = frozenset(
    {
        Problem.MISSING,
        Problem.UNFINISHED,
        Problem.KEY_GONE,
        Problem.UNLOCKED,
        Problem.ORDER,
    }
)
_UNVERIFIABLE: Final = frozenset(
    {Problem.NO_LOG, Problem.NO_KEY, Problem.UNREADABLE, Problem.UNWITNESSED}
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong: the object, and the entry and the event where there is one.

    `event` is what the entry says of itself, so an altered entry's may be altered too.
    """

    problem: Problem
    object: str
    what: str
    entry: int | None = None
    event: str | None = None


def verdict(findings: list[Finding]) -> Verdict:
    """Return what findings come to."""
    found = {finding.problem.verdict for finding in findings}
    for each in (Verdict.TAMPERED, Verdict.INCOMPLETE, Verdict.UNVERIFIABLE):
        if each in found:
            return each
    return Verdict.INTACT
