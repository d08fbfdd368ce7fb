"""Pairs of answers that a checker must tell apart: a right one, and its twin with one edit."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise
from random import Random

from evals.cells import RENDERINGS, Ground


@dataclass(frozen=True, slots=True)
class Pair:
    """One pair. `group` is what it must not be split by; `source` says what it was made from."""

    kind: str
    group: str
    source: str
    question: str
    passages: tuple[str, ...]
    right: str
    wrong: str

    @property
    def locked(self) -> bool:
        """Say whether it belongs to the fifth of all groups that nothing is tuned on."""
        return is_locked(self.group)


def is_locked(group: str) -> bool:
    """Say whether a group belongs to the locked fifth."""
    return sha256(group.encode()).digest()[0] % 5 == 0


@dataclass(frozen=True, slots=True)
class Edit:
    """A right answer and its wrong twin; the question, where it is not the usual one."""

    right: str
    wrong: str
    question: str


def paired(it: Ground, kind: str, edit: Edit, random: Random) -> Pair:
    """Return the pair of an edit, over passages with the table in one of its renderings."""
    name = random.choice(list(RENDERINGS))
    table = RENDERINGS[name](it.table)
    text = "\n".join(it.paragraphs)
    passages = random.choice(((f"{text}\n{table}",), (table, text), (text, table)))
    return Pair(kind, it.uid, f"tatqa/{name}", edit.question, passages, edit.right, edit.wrong)


def transposed(digits: str, taken: Sequence[str], random: Random) -> str | None:
    """Return the digits with two neighbours exchanged, or one changed; None if all are taken."""
    places = [i for i, (a, b) in enumerate(pairwise(digits)) if a != b]
    places = [i for i in places if digits[i : i + 2].isdigit() and digits[i + 1] != "0"]
    random.shuffle(places)
    for i in places:
        changed = digits[:i] + digits[i + 1] + digits[i] + digits[i + 2 :]
        if changed not in taken:
            return changed
    return None


def off_by_a_digit(digits: str, random: Random) -> str:
    """Return the figure with one digit off by a little."""
    places = [i for i, digit in enumerate(digits) if digit.isdigit()]
    i = random.choice(places)
    return (
        digits[:i] + str((int(digits[i]) + random.choice((1, 2, 3, 9, 8))) % 10) + digits[i + 1 :]
    )
