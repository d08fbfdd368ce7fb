"""The public sets that the screening models are fitted on, read and split.

They are no part of the project: `folder` names where they lie. Every row goes to one of five
parts by a hash of its group, and nothing that is shipped is fitted on part 0.
"""

import hashlib
import itertools
import json
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

PARTS: Final = 5
LOCKED: Final = 0
_PREFIX: Final = 40
_SHORT: Final = 400
_ASK: Final = 200
_PAGE: Final = 1_500


@dataclass(frozen=True)
class Prompt:
    """A text that was put to a model. Texts that begin alike share a part."""

    text: str
    attack: bool
    source: str
    part: int


@dataclass(frozen=True)
class Document:
    """A document without an attack in it."""

    text: str
    kind: str
    part: int


def part(group: str) -> int:
    """Return which of the five parts a group is in."""
    return int(hashlib.sha256(group.encode()).hexdigest(), 16) % PARTS


def rows(file: Path) -> list[dict[str, Any]]:
    """Return the rows of a file of JSON Lines."""
    return [json.loads(line) for line in file.read_text().splitlines()]


def prompts(folder: Path) -> list[Prompt]:
    """Return the labelled prompts, and questions on tables and filings as further harmless ones."""
    labelled = [
        Prompt(row["text"], row["attack"], row["source"], part(_beginning(row["text"])))
        for row in rows(folder / "injection/prompts.jsonl")
    ]
    asked = [
        question["question"]
        for row in rows(folder / "tables/tatqa.jsonl")
        for question in row["questions"][:3]
    ]
    for file in ("finqa", "ragtruth_qa"):
        asked += [row["question"] for row in rows(folder / f"groundedness/{file}.jsonl")]
    harmless = [
        Prompt(each, attack=False, source="business", part=part(_beginning(each)))
        for each in dict.fromkeys(asked)
    ]
    return labelled + harmless


def _beginning(text: str) -> str:
    return re.sub(r"\W+", "", text.lower())[:_PREFIX]


def planted(all_prompts: list[Prompt]) -> list[Prompt]:
    """Return the attacks that are meant to sit inside a document."""
    return [
        Prompt(each.text, attack=True, source=each.source, part=part(each.text))
        for each in all_prompts
        if each.attack
        and (
            each.source == "BIPIA"
            or (each.source == "InjecGuard-valid" and len(each.text) < _SHORT)
        )
    ]


def asks(all_prompts: list[Prompt], held: int = LOCKED) -> list[str]:
    """Return harmless requests to a model, of the open parts: in a document they are none."""
    return [
        each.text
        for each in all_prompts
        if not each.attack
        and each.source in {"WildGuard-benign", "NotInject"}
        and part(each.text) != held
        and len(each.text) < _ASK
        and each.text.isascii()
    ]


def documents(folder: Path) -> list[Document]:
    """Return every clean document, each once."""
    found = dict.fromkeys(_documents(folder))
    return [Document(text, kind, part(text)) for kind, text in found]


def _documents(folder: Path) -> Iterator[tuple[str, str]]:
    for kind in ("email", "table"):
        for row in rows(folder / f"injection/bipia_{kind}.jsonl"):
            yield kind, row["context"]
    for row in rows(folder / "groundedness/ragtruth_qa.jsonl"):
        for context in row["context"]:
            yield from (("web", text) for text in re.split(r"\n\npassage \d+:", context))
    for row in rows(folder / "groundedness/summedits_finance_sales.jsonl"):
        yield row["domain"], "\n".join(row["context"])
    for row in rows(folder / "injection/prompts.jsonl"):
        if row["source"] == "InjecGuard-valid" and not row["attack"] and len(row["text"]) > _PAGE:
            yield "page", row["text"]
    for row in rows(folder / "groundedness/financebench_answers.jsonl"):
        yield "evaluation only", "\n".join(row["context"])
    yield from (("filing", text) for text in _filings(folder))


def _filings(folder: Path) -> Iterator[str]:
    for row in rows(folder / "groundedness/finqa.jsonl"):
        yield "\n".join(row["context"])
    for row in rows(folder / "tables/tatqa.jsonl"):
        yield "\n".join(" | ".join(cells) for cells in row["table"]["table"])
        yield from (paragraph["text"] for paragraph in row["paragraphs"])


def requests(file: Path, of_each: int, seed: int) -> list[str]:
    """Return requests of our own writing, so many of each line's variants."""
    chance = random.Random(seed)  # noqa: S311 - the same choice every time
    found: list[str] = []
    for line in file.read_text().splitlines():
        if not line.startswith("#"):
            choices = [each.split("|") for each in re.findall(r"\{([^}]*)\}", line)]
            form = re.sub(r"\{[^}]*\}", "{}", line)
            variants = [form.format(*each) for each in itertools.product(*choices)]
            found += chance.sample(variants, min(len(variants), of_each))
    return found


def with_attack(document: str, attack: str, place: str, chance: random.Random) -> str:
    """Return a document with an attack at its start, at its end, or between two sentences."""
    if place == "start":
        return f"{attack}\n{document}"
    if place == "end":
        return f"{document}\n{attack}"
    if place == "appended":
        return f"{document} {attack}"
    cuts = [found.end() for found in re.finditer(r"[.!?]\s+|\n", document)] or [len(document)]
    cut = chance.choice(cuts)
    between = "\n" if "|" in document else " "
    return document[:cut].rstrip() + between + attack + between + document[cut:]
