"""An example taken apart and measured: what a fit sees of it, and what of it people call wrong."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Final

import numpy as np

from evals.regression import Array
from evals.sets import Example
from services.validator.grounding.claim import Kind, Statement, read
from services.validator.grounding.features import (
    Features,
    answer_features,
    bare_features,
    claim_features,
)
from services.validator.grounding.phrases import Phrases, phrase_features
from services.validator.grounding.words import places
from services.validator.sentences import sentences

_TOUCHING: Final = 3
"""Characters that a claim must share with a marked span to be unsupported itself."""
_WEIGHTS: Final = {"tatqa": 0.1, "worked": 1.0, "strangers": 0.05, "entities": 0.03}
_WEIGHTS_PROSE: Final = {"tatqa": 0.0, "worked": 1.0, "strangers": 0.02, "entities": 0.0}
"""The same where answers of prose are weighed from their claims. What is made has one sentence:
it says what a claim without support looks like, little of how the claims of an answer add up."""


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


def phrase_vectors(row: Measured, names: Sequence[str]) -> Array:
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


def wrong_words(row: Measured) -> Iterable[int]:
    """Say of each content word of an answer whether it is in a marked span."""
    for claim in row.statement.claims:
        for start, end in compress(places(claim.text), claim.words.says):
            yield int(
                any(
                    claim.start + start < last and claim.start + end > first
                    for first, last in row.example.spans
                )
            )
