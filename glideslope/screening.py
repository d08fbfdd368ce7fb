"""Rows of questions and passages, screened without Kafka: `glideslope screen`."""

from collections.abc import Iterator
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from glideslope.rows import RowError
from services.validator import personal_data, secrets
from shared.screening import Screening, screen_passage, screen_question


class Row(BaseModel):
    """What is screened. A question is judged as one, a passage as a document is."""

    model_config = ConfigDict(extra="ignore")

    id: JsonValue = None
    text: str
    role: Literal["question", "passage"] = "question"


def screened(line: str) -> dict[str, Any]:
    """Return what there is in a row of JSON. Raises `RowError`."""
    row = _read(line)
    found = screen_question(row.text) if row.role == "question" else screen_passage(row.text)
    return {
        "id": row.id,
        "injection": _injection(found),
        "personal_data": [
            {"type": each.type, "start": each.start, "end": each.end, "score": each.score}
            for each in personal_data.find(row.text)
        ],
        "secrets": [
            {"type": each.type, "start": each.start, "end": each.end}
            for each in secrets.find(row.text)
        ],
    }


def _injection(found: Screening) -> dict[str, Any]:
    spans = [{"start": each.start, "end": each.end} for each in found.findings]
    return {
        "flagged": found.flagged,
        "score": round(found.score, 4),
        "reasons": list(found.reasons),
        "spans": spans,
    }


def _read(line: str) -> Row:
    try:
        return Row.model_validate_json(line)
    except ValidationError as error:
        wrong = "; ".join(_said(each) for each in error.errors(include_input=False))
        raise RowError(f"{wrong}: send {_WANTED}", _id(error)) from None


_WANTED = '{"id": …, "text": "…", "role": "question" or "passage"} on one line'


def _said(error: Any) -> str:
    place = ".".join(map(str, error["loc"]))
    message: str = error["msg"]
    return f"`{place}`: {message}" if place else message


def _id(error: ValidationError) -> JsonValue:
    for each in error.errors():
        if isinstance(each["input"], dict):
            found: JsonValue = each["input"].get("id")
            return found
    return None


def lines(stream: Iterator[bytes]) -> Iterator[tuple[int, str]]:
    """Yield each line with its number, from 1, without those that are blank."""
    for number, line in enumerate(stream, 1):
        text = line.decode("utf-8-sig" if number == 1 else "utf-8", errors="replace").strip()
        if text:
            yield number, text
