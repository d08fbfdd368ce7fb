"""A linear model whose weights are a JSON file with their provenance."""

import json
import math
from collections.abc import Iterable, Mapping
from functools import cache, cached_property
from importlib import resources
from itertools import chain, pairwise
from typing import Final, Self

from shared.screening.features import WHOLE

_SCALE: Final = 100


class Linear:
    """Logistic regression: weights by the name of their feature."""

    def __init__(self, bias: float, weights: Mapping[str, float], threshold: float) -> None:
        self.threshold = threshold
        self._bias = bias
        self._weights = weights

    @classmethod
    @cache
    def named(cls, name: str) -> Self:
        """Return the model that is shipped under this name."""
        file = resources.files(__package__).joinpath(f"{name}.json")
        model = json.loads(file.read_text())
        weights = {each: weight / _SCALE for each, weight in model["weights"].items()}
        return cls(model["bias"], weights, model["threshold"])

    def score(self, features: Mapping[str, float]) -> float:
        """Return the probability, as the model sees it, from 0 to 1."""
        weights = self._weights
        return self._probability(
            [weights[name] * features[name] for name in weights.keys() & features.keys()]
        )

    def score_piece(self, words: list[str], others: Mapping[str, float]) -> float:
        """Return what `score` does of a piece of a document: its n-grams, and its other features.

        Most n-grams have no weight; here they never become features, nor even one text each.
        """
        framed = ["^", *words, "$"]
        ones, twos = set(framed), set(pairwise(framed))
        threes = set(zip(framed, framed[1:], framed[2:], strict=False))
        each = 1 / (len(ones) + len(twos) + len(threes)) ** 0.5
        of_one, of_two, of_three = self._by_length
        weights = self._weights
        known = filter(
            None, chain(map(of_one.get, ones), map(of_two.get, twos), map(of_three.get, threes))
        )
        whole = [weights[name] * value for name, value in others.items() if name in weights]
        return self._probability([math.fsum(known) * each, *whole])

    def _probability(self, products: Iterable[float]) -> float:
        total = self._bias + math.fsum(products)
        return 1 / (1 + math.exp(-max(min(total, 50.0), -50.0)))

    @cached_property
    def _by_length(
        self,
    ) -> tuple[dict[str, float], dict[tuple[str, ...], float], dict[tuple[str, ...], float]]:
        """The weights of n-grams of one, two and three words."""
        grams = {
            tuple(name.split(" ")): weight
            for name, weight in self._weights.items()
            if name not in WHOLE
        }
        ones = {gram[0]: weight for gram, weight in grams.items() if len(gram) == 1}
        twos, threes = (
            {gram: weight for gram, weight in grams.items() if len(gram) == n} for n in (2, 3)
        )
        return ones, twos, threes
