"""Labelled answers to judge the validator on: one JSON object a line, in any of a few shapes.

The shape of a file is told by its fields, so that public data is read as it was published:
RAGTruth, SummEdits, FinQA and FinanceBench, or Glideslope's own (a row of `glideslope validate`
with `supported`, and optionally `group`, that rows must not be split by).
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

Row = Mapping[str, Any]


class SetError(ValueError):
    """A file is no set of labelled answers; the message says what to change."""


@dataclass(frozen=True, slots=True)
class Example:
    """An answer with what is known of it.

    `supported`: a person's word that nothing in it is unsupported. `group`: what must not stand on
    both sides of a split. `spans`: the unsupported stretches, where they were marked. `original`:
    the right text that an edited one was made from.
    """

    id: str
    set: str
    group: str
    question: str
    answer: str
    passages: tuple[str, ...]
    supported: bool
    spans: tuple[tuple[int, int], ...] = ()
    original: str | None = None
    refuses: bool = False
    part: str = ""

    @property
    def is_locked(self) -> bool:
        """Say whether its group is in the fifth that nothing is fitted or tuned on."""
        return int(sha256(f"vground:{self.group}".encode()).hexdigest(), 16) % 5 == 0


def load(path: Path) -> list[Example]:
    """Read a file of labelled answers. Raises `SetError`."""
    rows = [row for _, row in read(path)]
    if not rows:
        raise SetError(f"{path} is empty: one JSON object a line is needed")
    for name, (fields, reader) in _SHAPES.items():
        if fields <= rows[0].keys():
            try:
                return [reader(f"{name}-{i}", row) for i, row in enumerate(rows, start=1)]
            except (KeyError, TypeError, AttributeError) as error:
                raise SetError(f"{path}: a row of the shape '{name}' lacks {error}") from error
    known = "; ".join(f"{name}: {', '.join(sorted(f))}" for name, (f, _) in _SHAPES.items())
    raise SetError(f"{path} has the fields of no known set. Known are: {known}")


def digest(*paths: Path) -> str:
    """Return the SHA-256 of a file in hex; of several, that of their hashes in this order."""
    each = [sha256(path.read_bytes()).hexdigest() for path in paths]
    return each[0] if len(each) == 1 else sha256("\n".join(each).encode()).hexdigest()


def read(path: Path) -> Iterator[tuple[int, Row]]:
    """Yield the rows of a file of JSON Lines with their line numbers. Raises `SetError`."""
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                try:
                    row = json.loads(line)
                except ValueError as error:
                    raise SetError(f"{path}, line {number}, is no JSON: {error}") from error
                if not isinstance(row, dict):
                    raise SetError(f"{path}, line {number}, is no JSON object")
                yield number, row


def _own(id_: str, row: Row) -> Example:
    passages = tuple(p["text"] for p in row["passages"])
    return Example(
        id=str(row.get("id", id_)),
        set="own",
        group=str(row.get("group", row["question"] or passages)),
        question=row["question"],
        answer=row["answer"],
        passages=passages,
        supported=bool(row["supported"]),
    )


def _ragtruth(id_: str, row: Row) -> Example:
    return Example(
        id=id_,
        set="ragtruth",
        group=row["question"],
        question=row["question"],
        answer=row["answer"],
        passages=tuple(row["context"]),
        supported=row["supported"],
        spans=tuple((span["start"], span["end"]) for span in row["unsupported_spans"]),
    )


def _summedits(id_: str, row: Row) -> Example:
    return Example(
        id=id_,
        set="summedits",
        group=str(row["context"]),
        question="",
        answer=row["answer"],
        passages=tuple(row["context"]),
        supported=row["supported"],
        original=row["original"],
        part=row["domain"],
    )


def _finqa(id_: str, row: Row) -> Example:
    return Example(
        id=id_,
        set="finqa",
        group=row["id"].rsplit("-", 1)[0],
        question=row["question"],
        answer=row["answer"],
        passages=tuple(row["context"]),
        supported=row["supported"],
        refuses=row["abstained"],
    )


def _financebench(id_: str, row: Row) -> Example:
    return Example(
        id=id_,
        set="financebench",
        group=row["company"],
        question=row["question"],
        answer=row["answer"],
        passages=tuple(row["context"]),
        supported=row["label"] == "correct",
        refuses=row["label"] == "refusal",
        part=row["mode"],
    )


_Reader = Callable[[str, Row], Example]
_SHAPES: Final[Mapping[str, tuple[frozenset[str], _Reader]]] = {
    "ragtruth": (
        frozenset({"question", "context", "answer", "supported", "unsupported_spans"}),
        _ragtruth,
    ),
    "summedits": (
        frozenset({"context", "answer", "original", "supported", "domain"}),
        _summedits,
    ),
    "finqa": (frozenset({"id", "question", "context", "answer", "supported", "abstained"}), _finqa),
    "financebench": (
        frozenset({"company", "question", "context", "answer", "label", "mode"}),
        _financebench,
    ),
    "own": (frozenset({"question", "answer", "passages", "supported"}), _own),
}
