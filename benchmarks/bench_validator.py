"""How long the validator takes over an answer, and how much memory it holds.

Answers of about 600 characters with passages of 2,000 characters, every one new, so that nothing
is found in a cache; all checks of the built-in release, in one process that was prepared as the
service prepares itself. Beside it, in the same run: the same passages with another answer each, as
they come back with a popular question; the check of groundedness alone; and reading the passages
alone. CPU seconds, not wall time.

Where the data is (`GLIDESLOPE_BENCH_DATA`, no part of the project), real text as well: answers of
language models over RAGTruth's passages and FinanceBench's pages, and TAT-QA's tables with their
paragraphs and the annotators' answers; of answers over the same passages the first alone.
"""

import gc
import json
import os
import random
import resource
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from statistics import median, quantiles
from typing import Any, Final

from evals.sets import load, read
from services.validator.case import Case
from services.validator.checks import CHECKS, citations
from services.validator.grounding.source import Indexed
from services.validator.sentences import sentences
from services.validator.validation import prepare, run
from shared.events import Answer, Passage
from shared.release import BUILT_IN

DATA: Final = Path(os.environ.get("GLIDESLOPE_BENCH_DATA", "../shared/data"))
_ANSWERS: Final = 400
_WARM: Final = 20
_AGAIN: Final = 50
_PASSAGES: Final = 4
_CHARACTERS: Final = 500
_SUBJECTS: Final = (
    "net sales of {name}", "the operating margin in {place}", "the dividend of {name}",
    "orders for {thing}", "the number of employees at {name}", "capital expenditure on {thing}",
    "the share of {thing} sold in {place}", "cash held by {name} in {place}",
)  # fmt: skip
_VERBS: Final = ("rose to", "fell to", "was", "amounted to", "is expected to reach", "came to")
_NAMES: Final = (
    "Larkspur Tools",
    "Pinewood Forge",
    "Copper Creek Bank",
    "Willow Freight",
    "Ash & Sons",
)
_PLACES: Final = ("Europe", "Denver", "the Nordic region", "Austin", "Southeast Asia")
_THINGS: Final = (
    "hydraulic pumps",
    "leased vehicles",
    "mortgage loans",
    "grid batteries",
    "pallets",
)


def main() -> None:
    """Run the benchmark and print its figures; the last line is one JSON object."""
    rng = random.Random(20261127)  # noqa: S311 - no secret, but the same answers every time
    names = [name for name in BUILT_IN.checks if name != citations.NAME]
    real = {name: list(_once(rows)) for name, rows in _real()} if DATA.exists() else {}
    prepare()
    gc.collect()
    gc.freeze()  # as `shared.delivery.run` does once a service is ready
    cases = [_case(rng) for _ in range(_ANSWERS + _WARM)]
    whole = _timed(lambda case: run(names, case, CHECKS), cases)
    again = []
    for case in cases[-_AGAIN:]:
        said = [s.text for passage in case.passages for s in sentences(passage.text)]
        other = replace(case, answer=_answer(said, rng))
        run(names, case, CHECKS)  # so that its passages are known, also where caches are full
        again.append(_seconds(lambda case: run(names, case, CHECKS), other))
    cases = [_case(rng) for _ in range(_ANSWERS + _WARM)]
    grounded = _timed(lambda case: case.assessment, cases)
    cases = [_case(rng) for _ in range(_ANSWERS + _WARM)]
    reading = _timed(lambda case: [Indexed.of(p.text) for p in case.passages], cases)
    found = {name: _timed(lambda case: run(names, case, CHECKS), real[name]) for name in real}
    rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (
        2**20 if sys.platform == "darwin" else 2**10
    )
    for name, times in (
        ("all checks", whole),
        ("known passages", again),
        ("groundedness", grounded),
        ("reading", reading),
        *found.items(),
    ):
        print(f"{name:14} median {median(times) * 1e3:6.2f} ms   p99 {_p99(times) * 1e3:6.2f} ms")
    result = {
        "benchmark": "validator",
        "answers": _ANSWERS,
        "passage_characters": _PASSAGES * _CHARACTERS,
        "median_ms": round(median(whole) * 1e3, 3),
        "p99_ms": round(_p99(whole) * 1e3, 3),
        "known_passages_median_ms": round(median(again) * 1e3, 3),
        "groundedness_share": round(median(grounded) / median(whole), 3),
        "reading_share": round(median(reading) / median(whole), 3),
        "real": {
            name: {
                "answers": len(times),
                "passage_characters": round(median(map(_characters, real[name]))),
                "median_ms": round(median(times) * 1e3, 3),
                "p99_ms": round(_p99(times) * 1e3, 3),
            }
            for name, times in found.items()
        },
        "rss_mib": round(rss, 1),
        "torch": "torch" in sys.modules,
    }
    print(json.dumps(result))


def _timed(work: Callable[[Case], Any], cases: list[Case]) -> list[float]:
    return [_seconds(work, case) for case in cases][_WARM:]


def _seconds(work: Callable[[Case], Any], case: Case) -> float:
    begin = time.process_time()
    work(case)
    return time.process_time() - begin


def _p99(times: list[float]) -> float:
    return quantiles(times, n=100)[98]


def _real() -> Iterator[tuple[str, Iterator[Case]]]:
    for name, file in (("RAGTruth", "ragtruth_qa"), ("FinanceBench", "financebench_answers")):
        rows = load(DATA / "groundedness" / f"{file}.jsonl")
        yield name, (_of(row.question, row.answer, row.passages) for row in rows)
    yield "TAT-QA", _tables()


def _tables() -> Iterator[Case]:
    for _, row in read(DATA / "tables" / "tatqa.jsonl"):
        table = "\n".join(" | ".join(cells) for cells in row["table"]["table"])
        asked = row["questions"][0]
        answer, scale = asked["answer"], asked["scale"]
        said = ", ".join(answer) if isinstance(answer, list) else f"{answer} {scale}".strip()
        paragraphs = (paragraph["text"] for paragraph in row["paragraphs"])
        yield _of(asked["question"], f"The answer is {said}.", (table, *paragraphs))


def _of(question: str, answer: str, texts: tuple[str, ...]) -> Case:
    passages = (
        Passage(id=str(number), document_id=str(number), locator="p. 1", text=text)
        for number, text in enumerate(texts)
    )
    return Case(question, Answer(text=answer), tuple(passages), BUILT_IN)


def _once(cases: Iterator[Case]) -> Iterator[Case]:
    """Return the cases of which no passage came before."""
    seen: set[str] = set()
    for case in cases:
        texts = {passage.text for passage in case.passages}
        if seen.isdisjoint(texts):
            yield case
        seen |= texts


def _characters(case: Case) -> int:
    return sum(len(passage.text) for passage in case.passages)


def _case(rng: random.Random) -> Case:
    said = [_sentence(rng) for _ in range(24)]
    passages, rest = [], list(said)
    for number in range(_PASSAGES):
        text = ""
        while len(text) < _CHARACTERS:
            text += (rest.pop() if rest else _sentence(rng)) + " "
        passages.append(
            Passage(
                id=str(number), document_id=str(number), locator="p. 1", text=text[:_CHARACTERS]
            )
        )
    question = f"What do the documents say about {rng.choice(_THINGS)} in {rng.choice(_PLACES)}?"
    return Case(question, _answer(said, rng), tuple(passages), BUILT_IN)


def _answer(said: list[str], rng: random.Random) -> Answer:
    """Return four sentences that stand in the passages, and three that do not."""
    return Answer(text=" ".join(rng.sample(said, 4) + [_sentence(rng) for _ in range(3)]))


def _sentence(rng: random.Random) -> str:
    subject = rng.choice(_SUBJECTS).format(
        name=rng.choice(_NAMES), place=rng.choice(_PLACES), thing=rng.choice(_THINGS)
    )
    amount = rng.choice(
        (
            f"${rng.uniform(1, 900):.1f} million",
            f"{rng.uniform(1, 80):.1f}%",
            f"{rng.randrange(1_000, 90_000):,}",
        )
    )
    year = rng.randrange(2015, 2026)
    return f"In {year}, {subject} {rng.choice(_VERBS)} {amount}.".replace("  ", " ")


if __name__ == "__main__":
    main()
