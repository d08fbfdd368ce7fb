"""Fit the two models of shared/screening: `python -m evals.screening.fit_injection DATA [--write]`.

Scikit-learn fits; what is shipped is a file of weights. The last line is the measurement as JSON:
of what is shipped on part 0, or with --across of all parts, each held out of its fit in turn.
"""

import argparse
import hashlib
import json
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np

from evals.screening import data
from shared.screening.features import segment_features, stems, text_features, tokens
from shared.screening.injection import QUESTION_TOKENS, screen_passage, screen_question
from shared.screening.linear import Linear
from shared.screening.patterns import matches
from shared.screening.payloads import payloads
from shared.screening.plain import plain
from shared.screening.segments import segments

_HERE: Final = Path(__file__).parent
_SHIPPED: Final = Path("shared/screening")
_RARE: Final = 2
_LEAST_WEIGHT: Final = 0.03
_RULE: Final = 0.3
"""What a rule counts in fitting a question's model: less than 1, or it hides all else."""
_THRESHOLDS: Final = {"question": 0.3, "passage": 0.36}

Features = dict[str, float]
Flags = dict[str, list[bool]]
Models = Mapping[str, Linear]


def _rules(text: str, words: list[str]) -> set[str]:
    return {match.rule.name for match in matches(text, set(words))}


def _question(text: str) -> Features:
    read = plain(text).text
    words = tokens(read)
    names = _rules(read, words)
    for payload in payloads(read):
        names |= _rules(payload.says, tokens(payload.says))
    return text_features(words[:QUESTION_TOKENS]) | {f"rule:{name}": _RULE for name in names}


def _pieces(text: str) -> tuple[list[str], list[list[str]], Counter[str]]:
    read = plain(text).text
    pieces = [read[start:end] for start, end in segments(read)]
    worded = [tokens(piece) for piece in pieces]
    return pieces, worded, Counter(stem for words in worded for stem in stems(words))


def _piece(piece: str, words: list[str], everywhere: Counter[str]) -> Features:
    return segment_features(piece, words, everywhere, _rules(piece, words))


def fit(
    features: Sequence[Features],
    labels: Sequence[bool],
    weights: Sequence[float],
    *,
    inverse_penalty: float,
    balanced: bool,
) -> tuple[float, dict[str, float]]:
    """Return the bias and the weights of a logistic regression."""
    seen = Counter(name for each in features for name in each)
    kept = [
        {name: value for name, value in each.items() if seen[name] >= _RARE} for each in features
    ]
    from sklearn.feature_extraction import DictVectorizer  # noqa: PLC0415 - it takes seconds
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - to load, for fits alone

    vectors = DictVectorizer()
    model = LogisticRegression(
        C=inverse_penalty, max_iter=4_000, class_weight="balanced" if balanced else None
    )
    model.fit(vectors.fit_transform(kept), labels, sample_weight=weights)
    names = vectors.get_feature_names_out()
    return float(model.intercept_[0]), {
        str(name): float(weight)
        for name, weight in zip(names, model.coef_[0], strict=True)
        if abs(weight) >= _LEAST_WEIGHT
    }


def fit_questions(
    prompts: Iterable[data.Prompt], held: int = data.LOCKED
) -> tuple[float, dict[str, float]]:
    """Return the model of a question that is an attack, fitted on all parts but `held`."""
    rows = [each for each in prompts if each.part != held and each.source != "BIPIA"]
    features = [_question(each.text) for each in rows]
    labels = [each.attack for each in rows]
    own = data.requests(_HERE / "questions.txt", of_each=10, seed=7)
    features += [_question(text) for text in own]
    labels += [False] * len(own)
    counts = [1.0] * len(rows) + [0.7] * len(own)
    bias, weights = fit(features, labels, counts, inverse_penalty=10, balanced=True)
    scaled = {n: w * _RULE if n.startswith("rule:") else w for n, w in weights.items()}
    return bias, scaled


def fit_passages(
    prompts: list[data.Prompt], documents: list[data.Document], held: int = data.LOCKED
) -> tuple[float, dict[str, float]]:
    """Return the model of a piece of a document that asks for something, without part `held`."""
    chance = random.Random(1)  # noqa: S311 - the same sample every time
    open_documents = [
        each for each in documents if each.part != held and each.kind != "evaluation only"
    ]
    letters = data.requests(_HERE / "letters.txt", of_each=12, seed=7)
    rows = [
        *_clean(open_documents, chance),
        *_letters(open_documents, letters, chance),
        *_planted(open_documents, prompts, chance, held),
    ]
    features, labels, weights = zip(*rows, strict=True)
    return fit(features, labels, weights, inverse_penalty=10, balanced=False)


Weighed = tuple[Features, bool, float]


def _clean(documents: list[data.Document], chance: random.Random) -> Iterator[Weighed]:
    for document in documents:
        pieces, worded, everywhere = _pieces(document.text)
        weight = {"email": 6.0, "web": 1.0, "table": 1.0, "filing": 1.0}.get(document.kind, 1.5)
        for at in _sampled(document.kind, worded, chance):
            yield _piece(pieces[at], worded[at], everywhere), False, weight


def _letters(
    documents: list[data.Document], letters: list[str], chance: random.Random
) -> Iterator[Weighed]:
    for letter in letters:
        everywhere = _pieces(chance.choice(documents).text)[2]
        pieces, worded, stems_there = _pieces(letter)
        for piece, words in zip(pieces, worded, strict=True):
            yield _piece(piece, words, everywhere + stems_there), False, 1.5


def _planted(
    documents: list[data.Document], prompts: list[data.Prompt], chance: random.Random, held: int
) -> Iterator[Weighed]:
    hosts: dict[str, list[data.Document]] = {"email": [], "table": [], "other": []}
    for document in documents:
        hosts.get(document.kind, hosts["other"]).append(document)
    attacks = [
        (each.text, 3.0) for each in data.planted(prompts) if each.part != held for _ in range(3)
    ]
    attacks += [(text, 0.6) for text in data.asks(prompts, held)]
    own = data.requests(_HERE / "requests.txt", of_each=20, seed=7)
    attacks += [(text, 1.2) for text in own]
    for attack, weight in attacks:
        everywhere = _pieces(chance.choice(chance.choice(list(hosts.values()))).text)[2]
        pieces, worded, stems_there = _pieces(attack)
        for piece, words in zip(pieces, worded, strict=True):
            yield _piece(piece, words, everywhere + stems_there), True, weight


def _sampled(kind: str, worded: list[list[str]], chance: random.Random) -> list[int]:
    every = list(range(len(worded)))
    if kind == "table":  # most of its cells are numbers and names
        return [at for at in every if len(worded[at]) >= 4 or chance.random() < 0.05]  # noqa: PLR2004 - a few
    if kind in {"web", "filing"}:
        return chance.sample(every, min(len(every), 8))
    return every


def _write(name: str, model: tuple[float, dict[str, float]], folder: Path, sets: list[str]) -> None:
    bias, weights = model
    digest = hashlib.sha256()
    for each in sets:
        digest.update((folder / each).read_bytes())
    file = {
        "model": "logistic regression; weights are a hundredfold",
        "fitted": datetime.now(UTC).date().isoformat(),
        "by": "evals/screening/fit_injection.py, on parts 1 to 4 of 5",
        "sets": sets,
        "licences": "MIT and Apache-2.0; see docs/screening.md",
        "sha256": digest.hexdigest(),
        "threshold": _THRESHOLDS[name],
        "bias": round(bias, 3),
        "weights": {key: round(weights[key] * 100) for key in sorted(weights)},
    }
    text = json.dumps(file, ensure_ascii=False, indent=0)
    (_SHIPPED / f"{name}.json").write_text(text + "\n")


def main() -> None:
    """Fit, write where asked to, and measure on the locked part."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--across", action="store_true", help="measure all parts, each held out")
    arguments = parser.parse_args()
    folder: Path = arguments.data
    prompts, documents = data.prompts(folder), data.documents(folder)
    if arguments.write:
        asked = ["injection/prompts.jsonl", "tables/tatqa.jsonl", "groundedness/finqa.jsonl"]
        asked.append("groundedness/ragtruth_qa.jsonl")
        clean = [
            *asked,
            "injection/bipia_email.jsonl",
            "injection/bipia_table.jsonl",
            "groundedness/summedits_finance_sales.jsonl",
        ]
        _write("question", fit_questions(prompts), folder, asked)
        _write("passage", fit_passages(prompts, documents), folder, clean)
    figures = (across if arguments.across else measure)(prompts, documents)
    print(json.dumps(figures))  # noqa: T201 - its output


def measure(
    prompts: list[data.Prompt], documents: list[data.Document], models: Models | None = None
) -> dict[str, Any]:
    """Return the shares that are flagged in part 0; `models` None are those that are shipped."""
    return _shares(_flags(prompts, documents, data.LOCKED, models or {}))


def across(prompts: list[data.Prompt], documents: list[data.Document]) -> dict[str, Any]:
    """Return the shares that are flagged in all parts, each by models that did not see it."""
    every: Flags = {}
    for held in range(data.PARTS):
        question, passage = fit_questions(prompts, held), fit_passages(prompts, documents, held)
        models = {
            "question": Linear(*question, _THRESHOLDS["question"]),
            "passage": Linear(*passage, _THRESHOLDS["passage"]),
        }
        for kind, flags in _flags(prompts, documents, held, models).items():
            every.setdefault(kind, []).extend(flags)
    return _shares(every)


def _shares(flags: Flags) -> dict[str, Any]:
    return {
        kind: {"flagged": round(float(np.mean(flags[kind])), 3), "n": len(flags[kind])}
        for kind in sorted(flags)
    }


def _flags(
    prompts: list[data.Prompt], documents: list[data.Document], part: int, models: Models
) -> Flags:
    found: Flags = {}
    for each in prompts:
        if each.part == part and each.source != "BIPIA":
            flagged = screen_question(each.text, models.get("question")).flagged
            kind = "attack" if each.attack else "harmless"
            found.setdefault(f"question, {kind}, {each.source}", []).append(flagged)
            if each.attack or each.source != "business":
                found.setdefault(f"question, {kind}", []).append(flagged)
    for document in documents:
        if document.part == part:
            flagged = screen_passage(document.text, models.get("passage")).flagged
            found.setdefault(f"document, clean, {document.kind}", []).append(flagged)
    chance = random.Random(5)  # noqa: S311 - the same places every time
    for kind in ("email", "table"):
        clean = [d.text for d in documents if d.kind == kind and d.part == part]
        for each in data.planted(prompts):
            if each.part == part:
                for place in ("start", "middle", "end", "appended"):
                    text = data.with_attack(chance.choice(clean), each.text, place, chance)
                    flagged = screen_passage(text, models.get("passage")).flagged
                    found.setdefault(f"document, planted, {kind}", []).append(flagged)
    return found


if __name__ == "__main__":
    main()
