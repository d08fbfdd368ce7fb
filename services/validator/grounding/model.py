"""How likely an answer says nothing that its passages do not support.

Two logistic regressions for each kind of answer: one weighs each claim, one the answer from its
claims; in prose a third weighs each phrase. The coefficients are in model.json, with where they
come from; `python -m evals.fit` makes it again. Scoring is plain Python: some thirty products a
claim, a few a word.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from heapq import nlargest
from math import exp, fsum, log, log1p
from operator import mul
from pathlib import Path
from statistics import fmean
from typing import Any, Final

from services.validator.grounding.claim import Claim, Kind, Statement, read
from services.validator.grounding.features import (
    Features,
    answer_features,
    bare_features,
    claim_features,
)
from services.validator.grounding.phrases import Phrases, phrase_features

_FILE: Final = Path(__file__).with_name("model.json")
_LEAST: Final = 1e-9
_SUREST: Final = 3.0
"""Logit beyond which one claim's risk counts no further: no single claim is surer than 95%."""
_CALMEST: Final = -4.0
"""Logit of a phrase below which it counts no further, and of phrases that a short answer lacks."""
_WORST: Final = 8
_NEAR: Final = 0.01
"""By so much at most an answer is the less likely for figures that the passages come not near to.

Too little to change what is approved, enough to tell a right figure in doubt from a wrong one.
"""


@dataclass(frozen=True, slots=True)
class Linear:
    """A weighted sum of named features: the logit of a risk."""

    intercept: float
    weights: Mapping[str, float]

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> "Linear":
        """Read it from the model's file."""
        return cls(float(data["intercept"]), dict(data["weights"]))

    def logit(self, features: Features) -> float:
        """Return the logit of the risk."""
        return self.intercept + sum(
            weight * features[name] for name, weight in self.weights.items()
        )

    def logits(self, claim: Features, phrases: Phrases) -> Sequence[float]:
        """Return the logits of the phrases of a claim, whose own features count for each."""
        own = [(weight, phrases[name]) for name, weight in self.weights.items() if name in phrases]
        shared = self.intercept + sum(
            weight * claim[name] for name, weight in self.weights.items() if name not in phrases
        )
        weights = [weight for weight, _ in own]
        return [
            shared + sum(map(mul, weights, values))
            for values in zip(*(values for _, values in own), strict=True)
        ]


@dataclass(frozen=True, slots=True)
class Knee:
    """From a risk of this logit on, the logit rises only by `slope`.

    A regression on few questions is too sure of what is bad: on questions it has not seen, half
    of what it gave a fifth was supported.
    """

    logit: float
    slope: float

    def bent(self, logit: float) -> float:
        """Return the logit as it is to be believed."""
        return min(logit, self.logit) + self.slope * max(0.0, logit - self.logit)


@dataclass(frozen=True, slots=True)
class Ceiling:
    """An answer with this feature is hardly surer than this: under it, the logit counts by `slope`.

    One wrong figure in a sentence that is copied otherwise is as wrong as among many new words,
    which answers of language models have around theirs and a regression on those goes by.
    """

    feature: str
    logit: float
    slope: float

    def held(self, logit: float, features: Features) -> float:
        """Return the logit of the risk of an answer with these features."""
        if features[self.feature] <= 0:
            return logit
        return max(logit, self.logit) - self.slope * max(0.0, self.logit - logit)


@dataclass(frozen=True, slots=True)
class Judge:
    """The regressions for one kind of answer, and where that of the answer is too sure.

    `phrase`: None where phrases are not weighed. `flag`: the probability under which to flag
    answers, for the best F1 (`evals/fit.py`).
    """

    claim: Linear
    answer: Linear
    knee: Knee
    ceilings: tuple[Ceiling, ...]
    flag: float
    phrase: Linear | None = None

    def risk(self, features: Features) -> float:
        """Return the logit of an answer's risk."""
        logit = self.knee.bent(self.answer.logit(features))
        for ceiling in self.ceilings:
            logit = ceiling.held(logit, features)
        return logit


@dataclass(frozen=True, slots=True)
class Model:
    """A judge for each kind; a refusal, as what else claims nothing, has one probability."""

    judges: Mapping[Kind, Judge]
    refusal: float
    provenance: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class JudgedClaim:
    """A claim and the risk, 0 to 1, that it is not supported."""

    claim: Claim
    risk: float


@dataclass(frozen=True, slots=True)
class Assessment:
    """What is thought of an answer: `probability` that nothing in it is unsupported."""

    probability: float
    kind: Kind
    claims: tuple[JudgedClaim, ...]
    statement: Statement
    population: Features
    """What the shift test compares; see `services.validator.population`."""
    flag: float
    """The probability under which flagging answers of this kind has the best F1."""

    @property
    def is_flagged(self) -> bool:
        """Say whether it rather has something unsupported in it than is flagged for nothing."""
        return self.probability < self.flag


@cache
def shipped() -> Model:
    """Return the model that is shipped, read once."""
    data = json.loads(_FILE.read_text(encoding="utf-8"))
    return load(data)


@cache
def model_digest() -> str:
    """Return the SHA-256 of the shipped coefficients, in hex: a certificate is for them alone."""
    return sha256(_FILE.read_bytes()).hexdigest()


def load(data: Mapping[str, Any]) -> Model:
    """Return the model of a file's content."""
    judges = {
        Kind(kind): Judge(
            Linear.of(judge["claim"]),
            Linear.of(judge["answer"]),
            Knee(**judge["knee"]),
            tuple(Ceiling(**ceiling) for ceiling in judge["ceilings"]),
            float(judge["flag"]),
            Linear.of(judge["phrase"]) if "phrase" in judge else None,
        )
        for kind, judge in data["kinds"].items()
    }
    return Model(judges, float(data["refusal"]), data["provenance"])


def assess(
    question: str, answer: str, passages: Sequence[str], model: Model | None = None
) -> Assessment:
    """Return how likely an answer is supported by the passages, claim by claim and as a whole."""
    return judge(read(question, answer, passages), model or shipped())


def judge(statement: Statement, model: Model) -> Assessment:
    """Return how likely a statement that was taken apart is supported."""
    claims = [claim_features(statement, place) for place in range(len(statement.claims))]
    answer = answer_features(statement, claims)
    if statement.kind is Kind.REFUSAL or statement.is_empty:
        risk = _logit(1 - model.refusal)
        logits = [risk] * len(claims)
        flag = 0.0
    else:
        judge_ = model.judges[statement.kind]
        logits = [judge_.claim.logit(features) for features in claims]
        phrases = _phrases(statement, claims, judge_.phrase)
        risk = judge_.risk({**answer, **together(logits), **phrases})
        flag = judge_.flag
    bare = bare_features(statement, claims, answer)
    if bare is not None:  # with a sentence more, a bare figure is no surer than by itself
        risk = max(risk, model.judges[Kind.FIGURE].risk(bare))
    return Assessment(
        probability(risk, statement),
        statement.kind,
        tuple(
            JudgedClaim(claim, _sigmoid(logit))
            for claim, logit in zip(statement.claims, logits, strict=True)
        ),
        statement,
        {
            **answer,
            "new_share": fmean(features["new_share"] for features in claims) if claims else 0.0,
            "copied": fmean(features["copied"] for features in claims) if claims else 0.0,
            "passages": log1p(
                sum(len(stretch.words.stems) for stretch in statement.evidence.stretches)
            ),
        },
        flag,
    )


def probability(risk: float, statement: Statement) -> float:
    """Return how likely a statement with this risk, a logit, is supported.

    What the passages come near to ranks higher among statements in doubt, by 0.01 at most.
    """
    return _sigmoid(-risk) * (1 - _NEAR * (1 - _nearness(statement)))


def _nearness(statement: Statement) -> float:
    """Return how near the passages come to the figure that they are farthest from."""
    return min((f.nearness for claim in statement.claims for f in claim.findings), default=1.0)


def together(logits: Sequence[float]) -> Features:
    """Return what the risks of an answer's claims amount to: the worst, and any of them.

    `claims_any` is the complementary log-log of 'at least one claim is unsupported', as if claims
    were independent: one more claim never lowers it.
    """
    if not logits:
        return {"claims_worst": 0.0, "claims_any": 0.0, "claims_mean": 0.0}
    bounded = [min(max(logit, -_SUREST), _SUREST) for logit in logits]
    none_wrong = sum(-_softplus(logit) for logit in bounded)  # log of the product of 1 - risk
    return {
        "claims_worst": max(bounded),
        "claims_any": log(max(_LEAST, -none_wrong)),
        "claims_mean": fmean(bounded),
    }


def _phrases(statement: Statement, claims: Sequence[Features], linear: Linear | None) -> Features:
    if linear is None:
        return {}
    logits: list[float] = []
    for place, measured in enumerate(claims):
        logits += linear.logits(measured, phrase_features(statement, place, measured))
    return worst_phrases(logits)


def worst_phrases(logits: Sequence[float]) -> Features:
    """Return what the risks of an answer's phrases amount to: the mean of its eight worst.

    What is missing to eight counts as harmless, so that one more phrase never lowers it.
    """
    worst = [min(max(logit, _CALMEST), _SUREST) for logit in nlargest(_WORST, logits)]
    missing = _CALMEST * (_WORST - len(worst))
    return {"phrases_worst": (fsum(worst) + missing) / _WORST}


def _softplus(value: float) -> float:
    return max(value, 0.0) + log1p(exp(-abs(value)))


def _logit(probability: float) -> float:
    return log(probability / (1 - probability))


def _sigmoid(value: float) -> float:
    if value >= 0:
        return 1 / (1 + exp(-value))
    return exp(value) / (1 + exp(value))
