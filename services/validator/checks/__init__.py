"""The checks that a release may name: each one pure function from a case to a verdict."""

from collections.abc import Callable, Mapping
from typing import Final

from services.validator.case import Case
from services.validator.checks import (
    citations,
    consistency,
    figures,
    groundedness,
    injection,
    length,
    not_empty,
    personal_data,
    policy,
    refusal,
    relevance,
    secrets,
    verbatim,
)
from shared.events import Verdict

Check = Callable[[Case], Verdict]

CHECKS: Final[Mapping[str, Check]] = {
    module.NAME: module.check
    for module in (
        not_empty,
        length,
        refusal,
        relevance,
        citations,
        figures,
        consistency,
        personal_data,
        secrets,
        injection,
        policy,
        verbatim,
        groundedness,
    )
}
