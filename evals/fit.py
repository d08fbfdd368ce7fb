"""Fit services/validator/grounding/model.json on public data, and say how well it does unseen.

    python -m evals.fit FOLDER

The folder holds ragtruth_qa.jsonl, summedits_finance_sales.jsonl, finqa.jsonl and tatqa.jsonl: sets
under MIT and Apache-2.0 only. FinanceBench is for evaluation only and is not fitted on (`--extra`
reports on it). Held-out figures come from a fit without the locked fifth of all groups; what is
shipped is fitted on all of them.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from itertools import compress, islice
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import GroupKFold

from evals.derived import derived_pairs, question_pairs
from evals.entities import entity_pairs, names
from evals.lookups import lookup_pairs
from evals.measures import auroc, best_cut, calibration_error, f1, interval
from evals.regression import Array, Regression
from evals.sets import Example, digest, load
from evals.strangers import strangers
from evals.worked import worked
from services.validator.grounding import model as scoring
from services.validator.grounding.claim import Kind, Statement, read
from services.validator.grounding.features import (
    Features,
    answer_features,
    bare_features,
    claim_features,
)
from services.validator.grounding.model import Ceiling, Knee
from services.validator.grounding.phrases import OF_CLAIM, Phrases, phrase_features
from services.validator.grounding.words import places
from services.validator.sentences import sentences

OUT: Final = Path(scoring.__file__).with_name("model.json")
_FILES: Final = {
    "ragtruth": ("ragtruth_qa.jsonl", "MIT"),
    "summedits": ("summedits_finance_sales.jsonl", "Apache-2.0"),
    "finqa": ("finqa.jsonl", "MIT"),
    "tatqa": ("tatqa.jsonl", "MIT"),
}
_FOLDS: Final = 5
_NATURAL: Final = frozenset({"ragtruth", "summedits", "finqa"})
_MARKED: Final = "ragtruth"
"""The set whose unsupported phrases people marked: phrases are weighed by it."""
_RIDGE_CLAIM: Final = 100.0
_RIDGE_ANSWER: Final = {Kind.PROSE: 30.0, Kind.WORKED: 30.0, Kind.SUMMARY: 30.0, Kind.FIGURE: 10.0}
_USUAL: Final = -1.2
"""Logit of the risk that RAGTruth and FinQA together have: 0.77 of their answers are supported."""
_KNEES: Final[Mapping[Kind, Knee]] = {
    Kind.PROSE: Knee(_USUAL, 0.5),
    Kind.WORKED: Knee(_USUAL, 0.5),
    Kind.SUMMARY: Knee(0.0, 1.0),
    Kind.FIGURE: Knee(0.0, 1.0),
}
"""Chosen by eye on reliability: RAGTruth's unseen fifths, and FinanceBench, not fitted on."""
_UNBACKED: Final = Ceiling("unbacked", -0.85, 0.1)
_CEILINGS: Final[Mapping[Kind, tuple[Ceiling, ...]]] = {
    Kind.PROSE: (
        _UNBACKED,
        Ceiling("figures_wrong", -0.85, 0.1),
        Ceiling("names_missing", -1.39, 0.1),
        Ceiling("names_away", -1.73, 0.1),
    ),
    Kind.WORKED: (_UNBACKED,),
    Kind.SUMMARY: (_UNBACKED,),
}
"""Probabilities of 0.7, 0.8 and 0.85. Of RAGTruth's answers that are fitted on, 0.39, 0.63 and 0.76
of those with the feature are supported; short ones with one wrong figure or name are not among
them."""
_LEAST: Final = {"figures_wrong": 0.5, "names_missing": 0.15, "names_away": 0.15}
"""A wrong figure or name must lower the probability of any answer, whatever else speaks for it."""
_LEAST_CLAIM: Final = {"names_missing": 0.2, "negation_differs": 0.3, "opposite_near": 0.3}
"""What must count against a claim: one word that turns it is rare in the data, not harmless."""
_TOUCHING: Final = 3
_PAIRS_A_TABLE: Final = 4
_WEIGHTS: Final = {"tatqa": 0.1, "worked": 1.0, "strangers": 0.05, "entities": 0.03}
_WEIGHTS_PROSE: Final = {"tatqa": 0.0, "worked": 1.0, "strangers": 0.02, "entities": 0.0}
"""The same where answers of prose are weighed from their claims. What is made has one sentence:
it says what a claim without support looks like, little of how the claims of an answer add up."""
_ANSWER_FEATURES: Final[Mapping[Kind, tuple[str, ...]]] = {
    Kind.PROSE: (
        "claims_worst",
        "phrases_worst",
        "new_words",
        "uncopied",
        "figures_wrong",
        "names_away",
    ),
    Kind.WORKED: (
        "claims_mean",
        "figures_right",
        "figures_wrong",
        "names_missing",
        "names_away",
        "sum_wrong",
    ),
    Kind.SUMMARY: (
        "claims_worst",
        "claims_any",
        "claims_mean",
        "figures_right",
        "figures_wrong",
        "names_missing",
        "names_away",
    ),
    Kind.FIGURE: ("figures_wrong", "derived", "copied_not_computed", "fits_asked"),
}


@dataclass(frozen=True)
class Measured:
    """An example with its features and, where known, which of its claims are unsupported."""

    example: Example
    statement: Statement
    claims: tuple[Features, ...]
    answer: Features
    wrong: tuple[int, ...]
    phrases: tuple[Phrases, ...] = ()
    """Of each claim, in answers of prose."""
    bare: Features | None = None
    """Of its bare figures, as if they were an answer."""

    @property
    def kind(self) -> Kind:
        """What sort of answer it is."""
        return self.statement.kind

    @property
    def weight(self) -> float:
        """How much it counts in a fit."""
        return _WEIGHTS.get(self.example.set, 1.0)

    @property
    def weight_as_answer(self) -> float:
        """How much it counts where answers are weighed from their claims."""
        weights = _WEIGHTS_PROSE if self.kind is Kind.PROSE else _WEIGHTS
        return weights.get(self.example.set, 1.0)


def measure(example: Example) -> Measured:
    """Take an example apart and measure it."""
    statement = read(example.question, example.answer, example.passages)
    claims = tuple(claim_features(statement, place) for place in range(len(statement.claims)))
    answer = answer_features(statement, claims)
    return Measured(
        example,
        statement,
        claims,
        answer,
        _wrong(example, statement),
        tuple(phrase_features(statement, place, claim) for place, claim in enumerate(claims))
        if statement.kind is Kind.PROSE
        else (),
        bare_features(statement, claims, answer),
    )


def _wrong(example: Example, statement: Statement) -> tuple[int, ...]:
    """Say of each claim whether it is unsupported: by the marked spans, or by what was edited."""
    claims = statement.claims
    if example.supported:
        return tuple(0 for _ in claims)
    if example.spans:
        return tuple(
            int(
                any(
                    min(c.end, end) - max(c.start, start) >= _TOUCHING
                    for start, end in example.spans
                )
            )
            for c in claims
        )
    if example.original is not None:
        kept = {sentence.text for sentence in sentences(example.original)}
        edited = tuple(int(claim.text.strip() not in kept) for claim in claims)
        return edited if any(edited) else tuple(1 for _ in claims)
    return tuple(1 for _ in claims)


@dataclass(frozen=True)
class Judge:
    """What weighs the claims of one kind of answer and, in prose, their phrases."""

    claim: Regression
    phrase: Regression | None

    @classmethod
    def fit(cls, rows: Sequence[Measured]) -> "Judge":
        """Fit to the rows of a kind."""
        names = list(rows[0].claims[0])
        features = [[claim[name] for name in names] for row in rows for claim in row.claims]
        risky = [wrong for row in rows for wrong in row.wrong]
        weights = [row.weight for row in rows for _ in row.claims]
        claim = Regression.fit(
            names, np.array(features), risky, weights, _RIDGE_CLAIM, _LEAST_CLAIM
        )
        marked = [row for row in rows if row.phrases and row.example.set == _MARKED]
        return cls(claim, cls._fit_phrases(marked) if marked else None)

    @staticmethod
    def _fit_phrases(rows: Sequence[Measured]) -> Regression:
        names = [*rows[0].phrases[0], *OF_CLAIM]
        features = np.vstack([_vectors(row, names) for row in rows])
        risky = [wrong for row in rows for wrong in _wrong_words(row)]
        return Regression.fit(names, features, risky, [1.0] * len(risky), _RIDGE_CLAIM)

    def together(self, row: Measured) -> Features:
        """Return what the risks of an answer's claims and phrases amount to."""
        logits: list[float] = []
        if row.claims:
            vectors = [[claim[name] for name in self.claim.names] for claim in row.claims]
            logits = list(self.claim.logit(np.array(vectors)))
        if self.phrase is None:
            return scoring.together(logits)
        words = list(self.phrase.logit(_vectors(row, self.phrase.names)))
        return {**scoring.together(logits), **scoring.worst_phrases(words)}


def _vectors(row: Measured, names: Sequence[str]) -> Array:
    """Return the features of all phrases of an answer."""
    parts = [
        np.array(
            [
                phrases[name] if name in phrases else [claim[name]] * len(claim_.content)
                for name in names
            ]
        ).T
        for phrases, claim, claim_ in zip(
            row.phrases, row.claims, row.statement.claims, strict=True
        )
    ]
    return np.vstack([np.zeros((0, len(names))), *parts])


def _wrong_words(row: Measured) -> Iterable[int]:
    """Say of each content word of an answer whether it is in a marked span."""
    for claim in row.statement.claims:
        for start, end in compress(places(claim.text), claim.words.says):
            yield int(
                any(
                    claim.start + start < last and claim.start + end > first
                    for first, last in row.example.spans
                )
            )


@dataclass(frozen=True)
class Fitted:
    """The regressions of each kind of answer."""

    judge: Mapping[Kind, Judge]
    answer: Mapping[Kind, Regression]
    refusal: float

    def risk(self, row: Measured) -> float:
        """Return the logit of an example's risk."""
        if row.kind is Kind.REFUSAL or row.statement.is_empty:
            logit = float(np.log((1 - self.refusal) / self.refusal))
        else:
            logit = self._of(row.kind, {**row.answer, **self.judge[row.kind].together(row)})
        return logit if row.bare is None else max(logit, self._of(Kind.FIGURE, row.bare))

    def _of(self, kind: Kind, values: Features) -> float:
        vector = np.array([[values[name] for name in _ANSWER_FEATURES[kind]]])
        logit = _KNEES[kind].bent(float(self.answer[kind].logit(vector)[0]))
        for ceiling in _CEILINGS.get(kind, ()):
            logit = ceiling.held(logit, values)
        return logit

    def probability(self, row: Measured) -> float:
        """Return the probability that an example is supported."""
        return float(1 / (1 + np.exp(self.risk(row))))


def fit(rows: Sequence[Measured]) -> Fitted:
    """Fit the two stages of each kind; the second on claims judged by fits that never saw them."""
    judges, answer = {}, {}
    for kind, features_of in _ANSWER_FEATURES.items():
        mine = [row for row in rows if row.kind is kind]
        judges[kind] = Judge.fit(mine)
        groups = [row.example.group for row in mine]
        features = np.zeros((len(mine), len(features_of)))
        folds = GroupKFold(_FOLDS, shuffle=True, random_state=1).split(mine, groups=groups)
        for seen, unseen in folds:
            judge = Judge.fit([mine[i] for i in seen])
            for i in unseen:
                values = {**mine[i].answer, **judge.together(mine[i])}
                features[i] = [values[name] for name in features_of]
        answer[kind] = Regression.fit(
            features_of,
            features,
            [int(not row.example.supported) for row in mine],
            [row.weight_as_answer for row in mine],
            _RIDGE_ANSWER[kind],
            {name: weight for name, weight in _LEAST.items() if name in features_of},
        )
    refusing = [
        row.example.supported
        for row in rows
        if row.kind is Kind.REFUSAL and row.example.set != "strangers"
    ]
    # one more of each, so that a few refusals make no certainty (Laplace)
    return Fitted(judges, answer, (sum(refusing) + 1) / (len(refusing) + 2))


def tatqa(path: Path) -> Iterable[Example]:
    """Return examples from tables of TAT-QA: right answers, and twins with one wrong edit."""
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            pairs = [*lookup_pairs(row), *derived_pairs(row), *question_pairs(row)]
            for number, pair in enumerate(pairs[:: max(1, len(pairs) // _PAIRS_A_TABLE)]):
                base = Example(
                    id=f"tatqa-{pair.group}-{number}",
                    set="tatqa",
                    group=pair.group,
                    question=pair.question,
                    answer=pair.right,
                    passages=pair.passages,
                    supported=True,
                    part=pair.kind,
                )
                yield base
                yield replace(base, answer=pair.wrong, supported=False)


def entities(examples: Sequence[Example]) -> Iterable[Example]:
    """Return sentences of the passages as answers, and twins with one name exchanged."""
    sources = {e.group: e for e in examples if e.set in {"ragtruth", "summedits"}}
    strangers_ = {True: [], False: []}  # type: dict[bool, list[str]]
    for example in sources.values():
        strangers_[example.is_locked] += names("\n".join(example.passages))
    for example in sources.values():
        pairs = entity_pairs(
            example.passages, strangers_[example.is_locked], example.group, example.set
        )
        for number, pair in enumerate(islice(pairs, _PAIRS_A_TABLE)):
            right = replace(
                example,
                id=f"entities-{example.id}-{number}",
                set="entities",
                answer=pair.right,
                supported=True,
                spans=(),
                original=None,
                part=pair.kind,
            )
            yield right
            yield replace(right, answer=pair.wrong, supported=False)


def _provenance(folder: Path, rows: Sequence[Measured]) -> Mapping[str, Any]:
    return {
        "fitted_by": "evals/fit.py",
        "date": datetime.now(UTC).date().isoformat(),
        "sets": {
            name: {
                "file": file,
                "license": license_,
                "sha256": digest(folder / file),
                "rows": sum(row.example.set == name for row in rows),
            }
            for name, (file, license_) in _FILES.items()
        },
    }


def _phrase(judge: Judge) -> Mapping[str, Any]:
    return {} if judge.phrase is None else {"phrase": judge.phrase.as_json()}


def report(fitted: Fitted, rows: Sequence[Measured]) -> Iterable[str]:
    """Say, set by set, how well examples are ranked and how well calibrated they are."""
    every = {row.example.set for row in rows}
    for which in [*sorted(every), None]:
        mine = [row for row in rows if which in (None, row.example.set)]
        probability = [fitted.probability(row) for row in mine]
        truth = [row.example.supported for row in mine]
        yield (
            f"{which or 'together':12} n={len(mine):5} supported={np.mean(truth):.2f} "
            f"auroc={auroc(probability, truth):.3f} "
            f"ece={calibration_error(probability, truth):.3f} "
            f"mean={np.mean(probability):.2f}"
        )


def cross(rows: Sequence[Measured], others: Sequence[Measured], split: int) -> Iterable[str]:
    """Say how well each fifth of the groups is judged by a fit on the rest, and `others` by all.

    Made examples stay with what they were made from. F1 is of flagging what is unsupported, each
    kind at the threshold that was best on the other fifths, they too judged by fits that had not
    seen them.
    """
    probability, fold = _unseen(rows, split)
    flagged = _flagged(rows, probability, fold)
    if others:
        everything = fit(rows)
        rows = [*rows, *others]
        probability = np.append(probability, [everything.probability(row) for row in others])
        flagged = np.append(flagged, [False] * len(others))
    natural = _NATURAL | {"financebench"}
    for which in [*sorted({row.example.set for row in rows}), natural]:
        mine = [
            i
            for i, row in enumerate(rows)
            if row.example.set in ({which} if isinstance(which, str) else which)
        ]
        truth = [rows[i].example.supported for i in mine]
        said = probability[mine].tolist()
        group = [rows[i].example.group for i in mine]
        ranks, error = (
            interval(auroc, said, truth, group),
            interval(calibration_error, said, truth, group),
        )
        yield (
            f"{which if isinstance(which, str) else 'natural sets':12} n={len(mine):5} "
            f"auroc={ranks.value:.3f} ({ranks.low:.3f}-{ranks.high:.3f}) "
            f"ece={error.value:.3f} ({error.low:.3f}-{error.high:.3f}) "
            f"f1={f1(flagged[mine].tolist(), [not t for t in truth]):.3f} "
            f"said={np.mean(said):.2f} was={np.mean(truth):.2f}"
        )


def _unseen(rows: Sequence[Measured], split: int) -> tuple[Array, NDArray[np.int64]]:
    """Return the probability of each row by a fit on the folds without its group, and its fold."""
    groups = [row.example.group for row in rows]
    probability, fold = np.zeros(len(rows)), np.zeros(len(rows), int)
    parts = GroupKFold(_FOLDS, shuffle=True, random_state=split).split(rows, groups=groups)
    for place, (seen, unseen) in enumerate(parts):
        fitted = fit([rows[i] for i in seen])
        fold[unseen] = place
        probability[unseen] = [fitted.probability(rows[i]) for i in unseen]
    return probability, fold


def _flagged(
    rows: Sequence[Measured], probability: Array, fold: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Return which rows are flagged, each kind and fold at what is best on its other folds."""
    flagged = np.zeros(len(rows), bool)
    for kind in _ANSWER_FEATURES:
        for place in range(_FOLDS):
            flag = _flag(kind, rows, probability, fold != place)
            mine = (fold == place) & np.array([row.kind is kind for row in rows])
            flagged[mine] = probability[mine] < flag
    return flagged


def _flag(
    kind: Kind, rows: Sequence[Measured], probability: Array, known: NDArray[np.bool_]
) -> float:
    """Return where flagging answers of a kind is best, on those known that people labelled.

    People's worked answers are all right: for that kind, those that are made count.
    """
    sets = {"worked"} if kind is Kind.WORKED else _NATURAL
    kept = [
        (said, row.example.supported)
        for said, row, is_known in zip(probability.tolist(), rows, known.tolist(), strict=True)
        if is_known and row.kind is kind and row.example.set in sets
    ]
    return best_cut([said for said, _ in kept], [supported for _, supported in kept])


def flags(rows: Sequence[Measured]) -> Mapping[Kind, float]:
    """Return for each kind where to flag: the median over splits, by fits that had not seen it."""
    splits = [_unseen(rows, split)[0] for split in range(_FOLDS)]
    every = np.ones(len(rows), bool)
    return {
        kind: float(np.median([_flag(kind, rows, each, every) for each in splits]))
        for kind in _ANSWER_FEATURES
    }


def main() -> None:
    """Fit, report, write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else "")
    parser.add_argument("folder", type=Path)
    parser.add_argument(
        "--extra", type=Path, action="append", default=[], help="a set that nothing is fitted on"
    )
    parser.add_argument(
        "--cross",
        type=int,
        metavar="SPLITS",
        help="only say how well unseen groups do, split so often",
    )
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    folder: Path = arguments.folder
    examples = [e for n in ("ragtruth", "summedits", "finqa") for e in load(folder / _FILES[n][0])]
    examples += strangers(examples)
    examples += entities(examples)
    examples += tatqa(folder / _FILES["tatqa"][0])
    examples += worked(folder / _FILES["tatqa"][0])
    rows = [measure(example) for example in examples]
    others = [measure(e) for path in arguments.extra for e in load(path) if not e.refuses]
    if arguments.cross:
        for split in range(arguments.cross):
            for line in cross(rows, others, split):
                sys.stdout.write(f"{split} {line}\n")
        return
    unlocked = fit([row for row in rows if not row.example.is_locked])
    sys.stdout.write("fitted without the locked fifth, on that fifth:\n")
    for line in report(unlocked, [row for row in rows if row.example.is_locked]):
        sys.stdout.write(line + "\n")
    if others:
        sys.stdout.write("and on what nothing is fitted on:\n")
        for line in report(unlocked, others):
            sys.stdout.write(line + "\n")
    final, flag = fit(rows), flags(rows)
    content = {
        "provenance": _provenance(folder, rows),
        "refusal": round(final.refusal, 4),
        "kinds": {
            kind.value: {
                "claim": final.judge[kind].claim.as_json(),
                **_phrase(final.judge[kind]),
                "answer": final.answer[kind].as_json(),
                "knee": asdict(_KNEES[kind]),
                "ceilings": [asdict(each) for each in _CEILINGS.get(kind, ())],
                "flag": round(flag[kind], 2),
            }
            for kind in _ANSWER_FEATURES
        },
    }
    arguments.out.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
