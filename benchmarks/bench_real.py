"""How the pipeline does on real analysts' questions on real filings (FinanceBench's visible part).

Every evidence page is indexed as a page of its filing, every question goes through the whole
pipeline, and what came out is counted as it is:

- `answered`, `reviewed`, `refused`: where the questions ended; they add up to `questions`.
- `gold_page_at_1`, `gold_page_at_5`: share of questions for which a page that the annotators named
  as evidence is the first, or among the first five, retrieved passages.
- `gold_number_in_approved`: share of the approved answers to questions with a gold number that
  contain it. Most gold numbers are computed from several figures on the page.

The data is for evaluation only and is not part of the project; `GLIDESLOPE_BENCH_DATA` names its
folder.
"""

import asyncio
import json
import os
import re
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from glideslope import cluster, indexing
from glideslope.asking import request_event
from glideslope.reader import Reader
from glideslope.stack import Stack
from shared import topics
from shared.events import AnswerChecked, AnswerDrafted, DocumentSubmitted, Page, RequestSubmitted
from shared.settings import Settings
from shared.topics import Topic

DATA: Final = Path(os.environ.get("GLIDESLOPE_BENCH_DATA", "../shared/data"))
QUESTIONS: Final = DATA / "rag" / "financebench_questions.jsonl"
_INDEXED_SECONDS: Final = 120.0
_ENDED_SECONDS: Final = 300.0
_NUMBER: Final = re.compile(r"\d[\d,]*(?:\.\d+)?")
_ENDS: Final = (topics.ANSWERS_APPROVED, topics.FALLBACK_REVIEW, topics.FALLBACK_REFUSAL)


@dataclass
class Outcome:
    """What became of one question."""

    pages: list[tuple[str, str]] = field(default_factory=list)
    """(document, page) of each retrieved passage, best first."""
    is_drafted: bool = False
    end: Topic | None = None
    answer: str = ""


def main() -> None:
    """Run the benchmark and print its figures; the last line is one JSON object."""
    if not QUESTIONS.exists():
        sys.exit(f"{QUESTIONS} is not there: set GLIDESLOPE_BENCH_DATA to the folder of the data")
    rows = [json.loads(line) for line in QUESTIONS.read_text().splitlines()]
    outcomes = asyncio.run(_through_the_pipeline(rows))
    print(json.dumps(figures(rows, outcomes)))


async def _through_the_pipeline(rows: Sequence[dict[str, Any]]) -> dict[str, Outcome]:
    with tempfile.TemporaryDirectory() as home:
        async with Stack(Settings(home=Path(home))) as stack:
            progress = indexing.Progress()
            await indexing.publish(
                documents(rows), stack.settings, progress, seconds=_INDEXED_SECONDS
            )
            if not progress.done or progress.rejected:
                sys.exit(f"not every filing was indexed; logs: {stack.logs}")
            async with cluster.reader(
                stack.settings, topics.ANSWERS_DRAFTED, *_ENDS, start="end"
            ) as reader:
                await _ask(stack.settings, rows)
                async with asyncio.timeout(_ENDED_SECONDS):
                    return await _outcomes(reader, len(rows))


async def _ask(settings: Settings, rows: Iterable[dict[str, Any]]) -> None:
    async with cluster.producer(settings) as producer:
        for row in rows:
            event = request_event(
                RequestSubmitted(question=row["question"], metadata={"row": row["id"]})
            )
            await producer.send(
                settings.topic(topics.REQUESTS),
                key=event.id.encode(),
                value=event.data,
                headers=event.headers(),
            )
        await producer.flush()


async def _outcomes(reader: Reader, count: int) -> dict[str, Outcome]:
    outcomes: dict[str, Outcome] = defaultdict(Outcome)
    async for topic, record in reader.follow():
        if topic is topics.ANSWERS_DRAFTED:
            draft = AnswerDrafted.model_validate_json(record.value or b"")
            if draft.attempt == 1:
                outcome = outcomes[draft.request.metadata["row"]]
                outcome.is_drafted = True
                outcome.pages = [(p.document_id, page(p.locator)) for p in draft.passages]
        else:
            checked = AnswerChecked.model_validate_json(record.value or b"")
            outcome = outcomes[checked.request.metadata["row"]]
            outcome.end = topic
            outcome.answer = checked.answer.text if checked.answer else ""
        if sum(o.end is not None and o.is_drafted for o in outcomes.values()) == count:
            return outcomes
    raise AssertionError("a reader follows for ever")


def documents(rows: Iterable[dict[str, Any]]) -> list[DocumentSubmitted]:
    """Return the filings, each with the evidence pages that are known of it."""
    pages: dict[str, dict[int, str]] = defaultdict(dict)
    for row in rows:
        for evidence in row["evidence"]:
            pages[evidence["document"]][evidence["page"]] = evidence["text"]
    return [
        DocumentSubmitted(
            document_id=name,
            title=name.replace("_", " "),
            pages=tuple(
                Page(locator=f"p. {number}", text=text) for number, text in sorted(found.items())
            ),
        )
        for name, found in pages.items()
    ]


def figures(rows: Sequence[dict[str, Any]], outcomes: dict[str, Outcome]) -> dict[str, float]:
    """Count what came out."""
    ends = [outcomes[row["id"]].end for row in rows]
    at = {
        depth: sum(gold(row) & set(outcomes[row["id"]].pages[:depth]) != set() for row in rows)
        for depth in (1, 5)
    }
    numeric = [
        (numbers(row["answer"]), numbers(outcomes[row["id"]].answer))
        for row in rows
        if numbers(row["answer"]) and outcomes[row["id"]].end is topics.ANSWERS_APPROVED
    ]
    hits = sum(gold[0] in said for gold, said in numeric)
    return {
        "questions": len(rows),
        "answered": ends.count(topics.ANSWERS_APPROVED),
        "reviewed": ends.count(topics.FALLBACK_REVIEW),
        "refused": ends.count(topics.FALLBACK_REFUSAL),
        "gold_page_at_1": round(at[1] / len(rows), 3),
        "gold_page_at_5": round(at[5] / len(rows), 3),
        "approved_with_gold_number_known": len(numeric),
        "gold_number_in_approved": round(hits / len(numeric), 3) if numeric else 0.0,
    }


def numbers(text: str) -> list[Decimal]:
    """Return the numbers in a text, without sign, scale or unit."""
    return [Decimal(each.replace(",", "")) for each in _NUMBER.findall(text)]


def gold(row: dict[str, Any]) -> set[tuple[str, str]]:
    """Return the pages, as (document, page), that the annotators named as evidence."""
    return {(each["document"], f"p. {each['page']}") for each in row["evidence"]}


def page(locator: str) -> str:
    """Return the page of a passage's locator, such as 'p. 12 ¶3'."""
    return " ".join(locator.split()[:2])


if __name__ == "__main__":
    main()
