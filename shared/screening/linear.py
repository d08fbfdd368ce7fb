"""A linear model whose weights are a JSON file with their provenance."""

import json
import math
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Final, Self

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
        known = weights.keys() & features.keys()
        total = self._bias + math.fsum([weights[name] * features[name] for name in known])
        return 1 / (1 + math.exp(-max(min(total, 50.0), -50.0)))
