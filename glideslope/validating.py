"""The validator without Kafka: a row of JSON in, its verdicts out."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from glideslope.judging import ChecksFor, own_checks
from glideslope.rows import RowError
from services.validator.case import Case
from services.validator.checks import citations, groundedness
from services.validator.routing import Route
from services.validator.validation import judged, route
from shared.events import Answer, Citation, Passage, Verdict
from shared.release import Release

_ATTEMPT: Final = 1
_LONGEST: Final = 200
_WANTED: Final = (
    '{"id": …, "question": "…", "answer": "…", "passages": [{"id": …, "text": "…"}]} on one line'
)


class _Passage(BaseModel):
    model_config = ConfigDict(extra="ignore")

    id: str | int
    text: str
    title: str = ""
    locator: str = ""


class _Citation(BaseModel):
    model_config = ConfigDict(extra="ignore")

    passage: Annotated[str | int | None, Field(alias="id")] = None
    document_id: str | int | None = None
    locator: str = ""
    quote: str


class Row(BaseModel):
    """An answer to judge, as it comes in."""

    model_config = ConfigDict(extra="ignore")

    id: str | int | None = None
    question: str
    answer: str
    passages: list[_Passage]
    citations: list[_Citation] | None = None


def read(line: str | bytes) -> Row:
    """Read a line of JSON. Raises `RowError`."""
    try:
        return Row.model_validate_json(line)
    except ValidationError as error:
        raise RowError(f"{_message(error)}: send {_WANTED}", _id(line)) from error


def judge(row: Row, release: Release, checks: ChecksFor = own_checks) -> Mapping[str, Any]:
    """Run the release's checks on a row and say where its answer would go.

    Where the row has no `citations` at all, nothing that concerns them is checked, and all
    passages count; an empty list is an answer that cites nothing. `checks` makes the checks
    of a case.
    """
    names = release.checks
    if row.citations is None:
        names = tuple(name for name in names if name != citations.NAME)
    case = Case(row.question, _answer(row), tuple(map(_passage, row.passages)), release)
    verdicts, shadows = judged(names, case, checks(case))
    decision = route(case, verdicts, release, attempt=_ATTEMPT)
    score = next((v.score for v in verdicts if v.name == groundedness.NAME), None)
    result = {
        "id": row.id,
        "probability": score,
        "checks": [_shown(verdict) for verdict in verdicts],
        "route": decision.route.name.lower(),
        "reason": decision.reason,
    }
    if shadows:
        result["shadow_checks"] = [_shown(verdict) for verdict in shadows]
    return result


APPROVED: Final = Route.APPROVED.name.lower()


def _shown(verdict: Verdict) -> Mapping[str, Any]:
    return verdict.model_dump(mode="json")


def _answer(row: Row) -> Answer:
    return Answer(
        text=row.answer,
        citations=tuple(
            Citation(
                document_id=str(c.passage if c.passage is not None else c.document_id or ""),
                locator=c.locator,
                quote=c.quote,
            )
            for c in row.citations or ()
        ),
    )


def _passage(passage: _Passage) -> Passage:
    return Passage(
        id=str(passage.id),
        document_id=str(passage.id),
        title=passage.title,
        locator=passage.locator,
        text=passage.text,
    )


def _id(line: str | bytes) -> Any:
    """Return the id of a row that is wrong otherwise, if it can be found."""

    class Named(BaseModel):
        id: Any = None

    try:
        return Named.model_validate_json(line).id
    except ValidationError:
        return None


def _message(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(map(str, first["loc"]))
    message = f"{place}: {first['msg']}" if place else first["msg"]
    return message[:_LONGEST]
