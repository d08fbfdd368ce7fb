"""Examples judged by a release, as `glideslope validate` judges rows."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from evals.sets import Example
from services.validator.case import Case
from services.validator.checks import CHECKS, citations
from services.validator.grounding.model import Assessment
from services.validator.routing import Route
from services.validator.validation import route, run
from shared.events import Answer, Passage
from shared.release import Release


@dataclass(frozen=True)
class Judged:
    """An example, the probability that it is supported, and what the checks made of it.

    `clean`: every check passed, so that the probability decides. `route`: where it would go.
    """

    example: Example
    probability: float
    clean: bool
    failed: tuple[str, ...]
    route: Route
    assessment: Assessment


def judge(examples: Iterable[Example], release: Release) -> Iterator[Judged]:
    """Judge examples in turn. Their answers cite nothing: they are held against all passages."""
    names = [name for name in release.checks if name != citations.NAME]
    for example in examples:
        passages = tuple(
            Passage(id=str(i), document_id=str(i), locator="", text=text)
            for i, text in enumerate(example.passages)
        )
        case = Case(example.question, Answer(text=example.answer), passages, release)
        verdicts = run(names, case, CHECKS)
        yield Judged(
            example,
            case.assessment.probability,
            all(verdict.verdict == "passed" for verdict in verdicts),
            tuple(verdict.name for verdict in verdicts if verdict.verdict == "failed"),
            route(case, verdicts, release, attempt=1).route,
            case.assessment,
        )
