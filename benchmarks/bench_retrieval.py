"""How often the page that answers is found: the service's own retrieval beside plain BM25.

The questions are FinanceBench's visible ones. 561 pages are searched: the evidence pages of those
questions, and as distractors the tables with their paragraphs of TAT-QA and the contexts of FinQA.
Ours is the way that the services go: ingest's cutting into passages, the index of inference, its
reading of the question; a page's rank is that of its best passage. The baseline is bm25s with
English stemming over the same pages, without (`baseline_`) and with (`baseline_named_`) the
document's name in the text. Both run side by side; the last line is one JSON object:

- `recall_at_1`, `recall_at_5`, `recall_at_10`: share of the questions for which a page that the
  annotators named as evidence is among the first so many pages;
- `mrr`: mean of one over the rank of the first such page;
- `query_ms`: median time of one search of ours, milliseconds.

The reading of questions was tuned on these questions, so expect less elsewhere; the table of
companies shows how much it differs from one to the next. `GLIDESLOPE_BENCH_DATA` names the folder
of the data, which is not part of the project.

With `GLIDESLOPE_BENCH_RELEASE`, a release in JSON, its embedder and reranker (at
GLIDESLOPE_PROVIDERS) search the same pages as well: `models_`. What the emulator's models find
means nothing.
"""

import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import bm25s
import snowballstemmer

from benchmarks.bench_real import documents, gold, page
from benchmarks.inference.only import Only
from services.inference.adapters.edge import EdgeIndex
from services.inference.adapters.models import SettledGenerator
from services.inference.retrieval import Retrieval
from services.inference.settings import InferenceSettings
from services.inference.vectors import DocumentVectors
from services.inference.versions import IndexVersion
from services.ingest.documents import passages
from shared.events import DocumentAccepted, DocumentSubmitted, Page, RequestAccepted
from shared.release import Release

DATA: Final = Path(os.environ.get("GLIDESLOPE_BENCH_DATA", "../shared/data"))
QUESTIONS: Final = DATA / "rag" / "financebench_questions.jsonl"
DEPTHS: Final = (1, 5, 10)
_PASSAGES: Final = 100  # searched for, so that ten pages are among them
_TENANT: Final = "bench"
RELEASE: Final = os.environ.get("GLIDESLOPE_BENCH_RELEASE")

Found = tuple[str, str]  # document, page
Search = Callable[[str], Sequence[Found]]


def rows(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of a file of the data."""
    with path.open() as lines:
        yield from map(json.loads, lines)


def collection(questions: Sequence[dict[str, Any]]) -> list[DocumentSubmitted]:
    """Return the filings' evidence pages, then the distractors, which have one page each."""
    return [*documents(questions), *_tatqa(), *_finqa()]


def _tatqa() -> Iterator[DocumentSubmitted]:
    for row in rows(DATA / "tables" / "tatqa.jsonl"):
        paragraphs = sorted(row["paragraphs"], key=lambda each: each["order"])
        prose = "\n".join(each["text"] for each in paragraphs)
        table = "\n".join(f"| {' | '.join(cells)} |" for cells in row["table"]["table"])
        yield _alone(f"tatqa-{row['table']['uid']}", f"{prose}\n\n{table}")


def _finqa() -> Iterator[DocumentSubmitted]:
    for row in rows(DATA / "groundedness" / "finqa.jsonl"):
        yield _alone(f"finqa-{row['id']}", "\n".join(row["context"]))


def _alone(name: str, text: str) -> DocumentSubmitted:
    return DocumentSubmitted(document_id=name, pages=(Page(locator="p. 1", text=text),))


def accepted(collected: Sequence[DocumentSubmitted]) -> list[DocumentAccepted]:
    """Return the documents as ingest lets them through."""
    return [
        DocumentAccepted(
            document_id=document.document_id,
            tenant=_TENANT,
            title=document.title,
            passages=tuple(passages(document)),
        )
        for document in collected
    ]


def ours(index: EdgeIndex, collected: Sequence[DocumentSubmitted]) -> Search:
    """Return the search that the service makes, its passages as the pages that they are from."""
    for document in accepted(collected):
        index.replace(document)

    def search(question: str) -> Sequence[Found]:
        hits = index.search(question, tenant=_TENANT, groups=(), limit=_PASSAGES)
        return [(hit.passage.document_id, page(hit.passage.locator)) for hit in hits]

    return search


async def with_models(
    release: Release, collected: Sequence[DocumentSubmitted], questions: Sequence[dict[str, Any]]
) -> list[int | None]:
    """Return the ranks with the embedder and the reranker of a release, at GLIDESLOPE_PROVIDERS.

    Raises `RuntimeError` when one of them has failed: its figures would be those of the others.
    """
    deep = release.generator.model_copy(update={"passages": _PASSAGES})
    release = release.model_copy(update={"generator": deep})
    with tempfile.TemporaryDirectory() as folder:
        settings = InferenceSettings(home=Path(folder), retrieval_seconds=60)
        generator = SettledGenerator(settings)
        version = IndexVersion.of(release)
        with EdgeIndex(Path(folder) / "index", version.dimensions) as index:
            async with generator.opened():
                if version.embedder is not None:
                    vectors = DocumentVectors(
                        index, version.embedder, generator.embedding, seconds=60
                    )
                    documents = accepted(collected)
                    for document in documents:
                        index.replace(document)
                    await vectors.add(documents)
                else:
                    ours(index, collected)
                retrieval = Retrieval(
                    Only(index), generator.embedding, generator.reranking, seconds=60
                )
                found = {
                    row["question"]: await _pages(retrieval, release, row["question"])
                    for row in questions
                }
    return ranks(found.__getitem__, questions)


async def _pages(retrieval: Retrieval, release: Release, question: str) -> Sequence[Found]:
    request = RequestAccepted(
        request_id="1",
        request_source="/bench",
        tenant=_TENANT,
        question=question,
        received_at=datetime.now(UTC),
        release=release.content_hash(),
    )
    retrieved = await retrieval.retrieve(request, release, 1)
    if retrieved.degraded:
        raise RuntimeError(f"a model has failed: {', '.join(retrieved.degraded)}")
    return [(each.document_id, page(each.locator)) for each in retrieved.passages]


def baseline(collected: Sequence[DocumentSubmitted], *, named: bool) -> Search:
    """Return plain BM25 over whole pages, `named` with the document's title in each."""
    stem = snowballstemmer.stemmer("english").stemWords
    pages = [(each.document_id, part.locator) for each in collected for part in each.pages or ()]
    texts = [
        f"{each.title}\n{part.text}" if named else part.text
        for each in collected
        for part in each.pages or ()
    ]
    retriever = bm25s.BM25()
    retriever.index(_tokens(texts, stem), show_progress=False)

    def search(question: str) -> Sequence[Found]:
        found, _ = retriever.retrieve(_tokens([question], stem), k=len(pages), show_progress=False)
        return [pages[number] for number in found[0]]

    return search


def _tokens(texts: list[str], stem: Callable[[list[str]], list[str]]) -> Any:
    return bm25s.tokenize(texts, stopwords="en", stemmer=stem, show_progress=False)


def ranks(search: Search, questions: Sequence[dict[str, Any]]) -> list[int | None]:
    """Return for each question the rank of the first page that answers it, None if it has none."""
    return [
        next(
            (
                rank
                for rank, found in enumerate(dict.fromkeys(search(row["question"])), start=1)
                if found in gold(row)
            ),
            None,
        )
        for row in questions
    ]


def figures(found: Sequence[int | None], prefix: str = "") -> dict[str, float]:
    """Return recall at each depth, and the mean reciprocal rank."""
    recalls = {
        f"{prefix}recall_at_{depth}": sum(rank is not None and rank <= depth for rank in found)
        / len(found)
        for depth in DEPTHS
    }
    return {**recalls, f"{prefix}mrr": sum(1 / rank for rank in found if rank) / len(found)}


def show_companies(questions: Sequence[dict[str, Any]], found: Sequence[int | None]) -> None:
    """Print recall@5 of each company: one that is far below the others would be news."""
    of: defaultdict[str, list[int | None]] = defaultdict(list)
    for row, rank in zip(questions, found, strict=True):
        of[row["company"]].append(rank)
    for company, its in sorted(of.items()):
        print(f"{company:24} {len(its):3} questions, recall@5 {figures(its)['recall_at_5']:.2f}")


def main() -> None:
    """Run both over the same pages and questions; print the figures."""
    if not QUESTIONS.exists():
        sys.exit(f"{QUESTIONS} is not there: set GLIDESLOPE_BENCH_DATA to the folder of the data")
    questions = list(rows(QUESTIONS))
    collected = collection(questions)
    print(f"{len(questions)} questions, {sum(len(each.pages or ()) for each in collected)} pages")
    with tempfile.TemporaryDirectory() as folder, EdgeIndex(Path(folder)) as index:
        search = ours(index, collected)
        mine = ranks(search, questions)
        times = [_seconds(search, row["question"]) for row in questions]
    show_companies(questions, mine)
    models: dict[str, float] = {}
    if RELEASE is not None:
        release = Release.model_validate_json(Path(RELEASE).read_bytes())
        models = figures(asyncio.run(with_models(release, collected, questions)), "models_")
    result = {
        **figures(mine),
        **models,
        **figures(ranks(baseline(collected, named=False), questions), "baseline_"),
        **figures(ranks(baseline(collected, named=True), questions), "baseline_named_"),
        "query_ms": statistics.median(times) * 1000,
    }
    print(json.dumps({name: round(value, 3) for name, value in result.items()}))


def _seconds(search: Search, question: str) -> float:
    began = time.perf_counter()
    search(question)
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
