"""A certificate for tests: of the shipped coefficients, over everything."""

from datetime import date

from services.validator.grounding.claim import Kind
from services.validator.grounding.model import model_digest
from services.validator.population import FEATURES
from shared.calibration import Calibration, Certificate, Population, Range


def certified(threshold: float) -> Calibration:
    return Calibration(
        certificate=Certificate(
            threshold=threshold,
            risk=0.05,
            confidence=0.95,
            method="a test",
            bound=0.04,
            rows=1_000,
            groups=100,
            approved=300,
            wrong=5,
            auroc=0.9,
            data="0" * 64,
            model=model_digest(),
            made=date(2026, 1, 1),
            population=Population(
                kinds={kind.value: 0.25 for kind in Kind},
                ranges={name: Range(low=-1e9, high=1e9) for name in FEATURES},
                features_out=1,
            ),
        )
    )
