"""The two stages of a fit: claims and phrases are weighed, then the answer from them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from sklearn.model_selection import GroupKFold

from evals.measured import Measured, phrase_vectors, wrong_words
from evals.regression import Regression
from services.validator.grounding import model as scoring
from services.validator.grounding.claim import Kind
from services.validator.grounding.features import Features
from services.validator.grounding.model import Ceiling, Judge, Knee
from services.validator.grounding.phrases import OF_CLAIM

_FOLDS: Final = 5
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
ANSWER_FEATURES: Final[Mapping[Kind, tuple[str, ...]]] = {
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
class Weighing:
    """What weighs the claims of one kind of answer and, in prose, their phrases."""

    claim: Regression
    phrase: Regression | None

    @classmethod
    def fit(cls, rows: Sequence[Measured]) -> "Weighing":
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
        features = np.vstack([phrase_vectors(row, names) for row in rows])
        risky = [wrong for row in rows for wrong in wrong_words(row)]
        return Regression.fit(names, features, risky, [1.0] * len(risky), _RIDGE_CLAIM)

    def together(self, row: Measured) -> Features:
        """Return what the risks of an answer's claims and phrases amount to."""
        logits: list[float] = []
        if row.claims:
            vectors = [[claim[name] for name in self.claim.names] for claim in row.claims]
            logits = list(self.claim.logit(np.array(vectors)))
        if self.phrase is None:
            return scoring.together(logits)
        words = list(self.phrase.logit(phrase_vectors(row, self.phrase.names)))
        return {**scoring.together(logits), **scoring.worst_phrases(words)}


@dataclass(frozen=True)
class Fitted:
    """For each kind of answer what weighs its claims, and the judge that ships, without a flag."""

    weighings: Mapping[Kind, Weighing]
    judges: Mapping[Kind, Judge]
    refusal: float

    def risk(self, row: Measured) -> float:
        """Return the logit of an example's risk."""
        if row.kind is Kind.REFUSAL or row.statement.is_empty:
            logit = float(np.log((1 - self.refusal) / self.refusal))
        else:
            together = self.weighings[row.kind].together(row)
            logit = self.judges[row.kind].risk({**row.answer, **together})
        return logit if row.bare is None else max(logit, self.judges[Kind.FIGURE].risk(row.bare))

    def probability(self, row: Measured) -> float:
        """Return the probability that an example is supported."""
        return scoring.probability(self.risk(row), row.statement)


def fit(rows: Sequence[Measured]) -> Fitted:
    """Fit the two stages of each kind; the second on claims judged by fits that never saw them."""
    weighings, judges = {}, {}
    for kind, features_of in ANSWER_FEATURES.items():
        mine = [row for row in rows if row.kind is kind]
        weighing = weighings[kind] = Weighing.fit(mine)
        groups = [row.example.group for row in mine]
        features = np.zeros((len(mine), len(features_of)))
        folds = GroupKFold(_FOLDS, shuffle=True, random_state=1).split(mine, groups=groups)
        for seen, unseen in folds:
            others = Weighing.fit([mine[i] for i in seen])
            for i in unseen:
                values = {**mine[i].answer, **others.together(mine[i])}
                features[i] = [values[name] for name in features_of]
        answer = Regression.fit(
            features_of,
            features,
            [int(not row.example.supported) for row in mine],
            [row.weight_as_answer for row in mine],
            _RIDGE_ANSWER[kind],
            {name: weight for name, weight in _LEAST.items() if name in features_of},
        )
        judges[kind] = Judge(
            weighing.claim.linear(),
            answer.linear(),
            _KNEES[kind],
            _CEILINGS.get(kind, ()),
            flag=0.0,
            phrase=None if weighing.phrase is None else weighing.phrase.linear(),
        )
    refusing = [
        row.example.supported
        for row in rows
        if row.kind is Kind.REFUSAL and row.example.set != "strangers"
    ]
    # one more of each, so that a few refusals make no certainty (Laplace)
    return Fitted(weighings, judges, (sum(refusing) + 1) / (len(refusing) + 2))
