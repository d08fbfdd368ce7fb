"""How well the check `figures` tells right figures from wrong twins, and how fast it is.

Pairs are made from TAT-QA's tables and questions, and from sentences of SummEdits, FinanceBench and
RAGTruth (see `evals/`). Only the locked fifth of the groups counts, which nothing was tuned on
(`GLIDESLOPE_BENCH_PART=tuned` shows the rest). For each kind: the share of right answers that
pass, of wrong twins that do not, and of pairs with both. `fails` is the share of answers that
people found right which the check fails. The existing exact look-up ("stands somewhere in the
passages, in this unit and scale") is measured beside it.

The data is no part of the project; `GLIDESLOPE_BENCH_DATA` names its folder.
"""

import json
import os
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from statistics import median, quantiles
from typing import Any, Final

from evals.derived import derived_pairs, question_pairs
from evals.lookups import lookup_pairs
from evals.pairs import Pair, is_locked
from evals.prose import prose_pairs
from services.validator.figures import read_figures
from services.validator.findings import examine
from services.validator.sentences import sentences

DATA: Final = Path(os.environ.get("GLIDESLOPE_BENCH_DATA", "../shared/data"))
LOCKED: Final = os.environ.get("GLIDESLOPE_BENCH_PART", "locked") == "locked"
_SHORTEST, _LONGEST = 30, 300


def main() -> None:
    """Run the benchmark and print its figures; the last line is one JSON object."""
    if not DATA.exists():
        sys.exit(f"{DATA} is not there: set GLIDESLOPE_BENCH_DATA to the folder of the data")
    kinds: dict[str, list[tuple[bool, bool, bool, bool]]] = defaultdict(list)
    seconds: list[float] = []
    for pair in _pairs():
        if pair.locked != LOCKED:
            continue
        begin = time.process_time()
        right = _passes(pair.question, pair.right, pair.passages)
        seconds.append(time.process_time() - begin)
        wrong = _passes(pair.question, pair.wrong, pair.passages)
        plain = _stands(pair.right, pair.passages), _stands(pair.wrong, pair.passages)
        kinds[f"{pair.source.split('/')[0]} {pair.kind}"].append((right, wrong, *plain))
    result: dict[str, Any] = {"part": "locked" if LOCKED else "tuned", "pairs": {}}
    for kind, rows in sorted(kinds.items()):
        figures = {
            "n": len(rows),
            "right_passes": _share([r for r, *_ in rows]),
            "wrong_caught": _share([not w for _, w, *_ in rows]),
            "both": _share([r and not w for r, w, *_ in rows]),
            "both_by_lookup": _share([r and not w for _, _, r, w in rows]),
        }
        result["pairs"][kind] = figures
        print(f"{kind:32}", *(f"{name} {value}" for name, value in figures.items()))
    result["fails"] = {name: _fails(rows) for name, rows in _answers().items()}
    ms = [1000 * second for second in seconds]
    result["cpu_ms"] = {"median": round(median(ms), 2), "p99": round(quantiles(ms, n=100)[98], 2)}
    print(json.dumps(result))


def _passes(question: str, answer: str, passages: tuple[str, ...]) -> bool:
    return all(finding.status.is_right for finding in examine(question, answer, passages))


def _stands(answer: str, passages: tuple[str, ...]) -> bool:
    texts = [read_figures(passage) for passage in passages]
    return all(any(text.holds(f) for text in texts) for f in read_figures(answer).figures)


def _share(values: list[bool]) -> float:
    return round(sum(values) / len(values), 3)


def _fails(rows: list[tuple[str, str, tuple[str, ...]]]) -> dict[str, float]:
    return {"n": len(rows), "share": _share([not _passes(*row) for row in rows])}


def _rows(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (DATA / name).read_text().splitlines()]


def _pairs() -> Iterator[Pair]:
    for row in _rows("tables/tatqa.jsonl"):
        yield from lookup_pairs(row)
        yield from derived_pairs(row)
        yield from question_pairs(row)
    for source, group, text, question in dict.fromkeys(_texts()):
        for sentence in sentences(text):
            line = " ".join(sentence.text.split())
            if _SHORTEST < len(line) < _LONGEST and sentence.text.count("\n") < 4:  # noqa: PLR2004 - else it is a table
                yield from prose_pairs(line, text, group, source, question=question)


def _texts() -> Iterator[tuple[str, str, str, str]]:
    for row in _rows("groundedness/summedits_finance_sales.jsonl"):
        text = "\n".join(row["context"])
        yield "summedits", text, text, ""
    for row in _rows("groundedness/ragtruth_qa.jsonl"):
        yield "ragtruth", row["question"], "\n".join(row["context"]), row["question"]
    for row in _rows("rag/financebench_questions.jsonl"):
        text = "\n".join(page["text"] for page in row["evidence"])
        yield "financebench", row["company"], text, ""


def _answers() -> dict[str, list[tuple[str, str, tuple[str, ...]]]]:
    """Return answers that people found right, by set: question, answer, passages."""
    found: dict[str, list[tuple[str, str, tuple[str, ...]]]] = defaultdict(list)
    for name, group, question, answer, passages in _right():
        key = question, answer, passages
        if is_locked(group) == LOCKED and key not in found[name]:
            found[name].append(key)
    return dict(found)


def _right() -> Iterator[tuple[str, str, str, str, tuple[str, ...]]]:
    for row in _rows("groundedness/ragtruth_qa.jsonl"):
        if row["supported"]:
            question = row["question"]
            yield "ragtruth supported", question, question, row["answer"], tuple(row["context"])
    for row in _rows("groundedness/finqa.jsonl"):
        group = row["id"].rsplit("-", 1)[0]
        yield "finqa gold", group, row["question"], row["gold"], tuple(row["context"])
    for row in _rows("groundedness/financebench_answers.jsonl"):
        if row["mode"].startswith("oracle") and row["label"] == "correct":
            name = "financebench correct, given the page"
            yield name, row["company"], row["question"], row["answer"], tuple(row["context"])
    for row in _rows("tables/tatqa.jsonl"):
        yield from _gold(row)


def _gold(row: dict[str, Any]) -> Iterator[tuple[str, str, str, str, tuple[str, ...]]]:
    table = "\n".join(" | ".join(cells) for cells in row["table"]["table"])
    passages = (table, *(paragraph["text"] for paragraph in row["paragraphs"]))
    for question in row["questions"]:
        answer, scale = question["answer"], question["scale"]
        text = ", ".join(answer) if isinstance(answer, list) else f"{answer} {scale}".strip()
        name = "tatqa gold, computed" if question["derivation"] else "tatqa gold, looked up"
        yield name, row["table"]["uid"], question["question"], text, passages


if __name__ == "__main__":
    main()
