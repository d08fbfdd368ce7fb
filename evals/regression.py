"""Ridge logistic regression whose weights keep a sign: what speaks for a risk never lowers it.

scikit-learn's has no bounds on its weights. A sign that is known beforehand is worth data (some
hundred groups is not much), and it makes promises possible: one more unsupported word, name or
figure never makes an answer look better.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from services.validator.grounding.model import Linear

Array = NDArray[np.float64]

_RISKS: Final = (
    "new new_share new_bare new_bare_share new_near window_missing figures_wrong figures_unsure "
    "figures_wrong_share figures_misplaced names_missing names_away opposite opposite_near "
    "negation_differs negation_new negation_unbacked limits_new gap gap_pairs "
    "claims_worst claims_any claims_mean sum_wrong copied_not_computed contradicts "
    "new_words uncopied phrase_new phrases_worst"
)
_BACKINGS: Final = (
    "window window_same sentence tfidf grams_2 grams_3 grams_4 copied covered pairs figures_surely "
    "figures_right fits_asked derived phrase_copied phrase_pairs"
)
RISKS: Final = frozenset(_RISKS.split())
BACKINGS: Final = frozenset(_BACKINGS.split())


@dataclass(frozen=True)
class Regression:
    """The logit of a risk as a weighted sum of named features."""

    names: tuple[str, ...]
    weights: Array
    intercept: float

    @classmethod
    def fit(  # noqa: PLR0913, PLR0917 - all that a fit depends on
        cls,
        names: Sequence[str],
        features: Array,
        risky: Sequence[int],
        weights: Sequence[float],
        ridge: float,
        least: Mapping[str, float] | None = None,
    ) -> Self:
        """Fit to rows of features, each risky (1) or not (0), counting by its weight.

        `least`: what a weight must be at least, in logits for one unit of its feature.
        """
        y, w = np.asarray(risky, float), np.asarray(weights, float)
        mean = np.average(features, axis=0, weights=w)
        scale = np.sqrt(np.average((features - mean) ** 2, axis=0, weights=w))
        scale[scale < 1e-9] = 1.0  # noqa: PLR2004 - a constant
        x = (features - mean) / scale

        def loss(theta: Array) -> tuple[float, Array]:
            z = x @ theta[:-1] + theta[-1]
            value = (w * (np.logaddexp(0, z) - y * z)).sum() + ridge / 2 * (theta[:-1] ** 2).sum()
            slope = w * (1 / (1 + np.exp(-z)) - y)
            return float(value), np.append(x.T @ slope + ridge * theta[:-1], slope.sum())

        bounds = [_bound(name) for name in names] + [(None, None)]
        for name, weight in (least or {}).items():
            place = list(names).index(name)
            bounds[place] = (weight * float(scale[place]), None)
        found = minimize(
            loss,
            np.zeros(len(names) + 1),
            jac=True,
            bounds=bounds,
            method="L-BFGS-B",
            options={"maxiter": 1000},
        )
        plain = found.x[:-1] / scale
        return cls(tuple(names), plain, float(found.x[-1] - plain @ mean))

    def logit(self, features: Array) -> Array:
        """Return the logits of rows of features."""
        result: Array = features @ self.weights + self.intercept
        return result

    def linear(self) -> Linear:
        """Return it as what answers are judged by."""
        weights = self.weights.tolist()
        return Linear(self.intercept, dict(zip(self.names, weights, strict=True)))


def _bound(name: str) -> tuple[float | None, float | None]:
    if name in RISKS:
        return (0, None)
    if name in BACKINGS:
        return (None, 0)
    return (None, None)
