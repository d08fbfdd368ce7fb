"""What screening costs an answer, beside Presidio's own engine on the same answers."""

import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

import spacy
from presidio_analyzer import AnalyzerEngine
from presidio_analyzer.nlp_engine import SpacyNlpEngine

from glideslope.screening import screened
from services.validator.case import Case
from services.validator.checks import CHECKS
from shared.events import Answer, Passage
from shared.release import BUILT_IN

DATA: Final = Path(os.environ.get("GLIDESLOPE_BENCH_DATA", "../shared/data"))
ANSWERS: Final = 300
ANSWER: Final = 300
PASSAGES: Final = 2_000
PASSAGE: Final = 500


class Blank(SpacyNlpEngine):
    """Presidio's engine with an English pipeline that only splits words: no model to download."""

    def load(self) -> None:
        """Put the pipeline there, instead of looking for a model."""
        self.nlp: Any = {"en": spacy.blank("en")}


def cases() -> list[Case]:
    """Return real answers of 300 characters over 2,000 characters of passages."""
    file = DATA / "groundedness/ragtruth_qa.jsonl"
    if not file.exists():
        sys.exit(f"{file} is not there: set GLIDESLOPE_BENCH_DATA to the folder of the data")
    found = []
    for row in map(json.loads, file.read_text().splitlines()[:ANSWERS]):
        text = "\n".join(row["context"])[:PASSAGES]
        pieces = [text[at : at + PASSAGE] for at in range(0, len(text), PASSAGE)]
        passages = tuple(
            Passage(id=str(at), document_id="web", locator=str(at), text=piece)
            for at, piece in enumerate(pieces)
        )
        answer = Answer(text=row["answer"][:ANSWER])
        found.append(Case(row["question"], answer, passages, BUILT_IN))
    return found


def milliseconds(work: Callable[[Case], Any], each: Iterable[Case]) -> list[float]:
    """Return the CPU time of each piece of work, sorted."""
    taken = []
    for case in each:
        begin = time.process_time()
        work(case)
        taken.append((time.process_time() - begin) * 1_000)
    return sorted(taken)


def main() -> None:
    """Print a line a check, and everything as JSON in the last line."""
    answers = cases()
    figures: dict[str, float] = {}
    for name in ("injection", "personal_data", "secrets"):
        milliseconds(CHECKS[name], answers[:5])  # what loads, loads
        taken = milliseconds(CHECKS[name], answers)
        figures[f"{name}_median_ms"] = round(statistics.median(taken), 3)
        figures[f"{name}_p99_ms"] = round(taken[int(len(taken) * 0.99)], 3)
        print(f"{name}: {figures[f'{name}_median_ms']} ms, p99 {figures[f'{name}_p99_ms']} ms")
    engine = AnalyzerEngine(nlp_engine=Blank())
    rows = milliseconds(lambda case: engine.analyze(case.answer.text, language="en"), answers)
    figures["presidio_engine_median_ms"] = round(statistics.median(rows), 3)
    figures["personal_data_against_presidio"] = round(
        figures["presidio_engine_median_ms"] / figures["personal_data_median_ms"], 1
    )
    lines = [json.dumps({"id": 1, "text": case.answer.text}) for case in answers]
    begin = time.process_time()
    for line in lines:
        screened(line)
    figures["screen_rows_a_minute"] = round(60 * len(lines) / (time.process_time() - begin))
    resident = int(Path("/proc/self/statm").read_text().split()[1]) * 4 / 1024
    figures["resident_mib"] = round(resident)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
