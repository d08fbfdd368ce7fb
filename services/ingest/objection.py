"""Why a submission is not accepted: a closed set of codes, and a message for the sender.

The codes are part of the contract (`code` of a rejection). One is never renamed; a new one may
come. A message names the field and the limit, and never repeats what the sender wrote: rejections
are read by people who may not see the question.
"""

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, Final, Self, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from shared.events import Identifier

Model = TypeVar("Model", bound=BaseModel)


class Code(StrEnum):
    """What is wrong with a submission."""

    NOT_AN_OBJECT = "not_an_object"  # the event's data is JSON, but no object
    FIELD_MISSING = "field_missing"  # a field that must be there is not
    FIELD_MALFORMED = "field_malformed"  # a field has the wrong type or form
    EMPTY = "empty"  # a text has nothing to read in it
    TOO_LONG = "too_long"  # a text has too many characters
    TOO_MANY = "too_many"  # a list or map has too many entries
    TOO_LARGE = "too_large"  # the record, or what would be made of it, has too many bytes
    CONTROL_CHARACTER = "control_character"  # a text has a character that is no text
    COMBINING_MARKS = "combining_marks"  # more marks on one letter than any script has
    REPEATED = "repeated"  # two entries that must differ have the same id
    DEADLINE_PASSED = "deadline_passed"  # nobody would read the answer any more
    TENANT_MALFORMED = "tenant_malformed"  # ce_tenant is not a tenant's name
    TEXT_OR_PAGES = "text_or_pages"  # a document has both, or neither


class Objection(Exception):  # noqa: N818 - it is an answer to the sender, not a failure of ours
    """The submission is not accepted; `message` says what the sender must change."""

    def __init__(self, code: Code, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.field = field

    @classmethod
    def too_long(cls, field: str, most: int) -> Self:
        """Return the objection to a text of more than `most` characters."""
        message = f"`{field}` is too long: send {most:,} characters at most"
        return cls(Code.TOO_LONG, message, field)

    @classmethod
    def too_many(cls, field: str, most: int) -> Self:
        """Return the objection to a list or map of more than `most` entries."""
        message = f"`{field}` has too many entries: send {most:,} at most"
        return cls(Code.TOO_MANY, message, field)


_OPEN: Final = frozenset({"metadata"})
"""Fields whose keys are the sender's own words, and so never named in a rejection."""

_RFC_3339: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt ]")
_IDENTIFIER: Final = TypeAdapter[str](Identifier)


def read(model: type[Model], data: Any) -> Model:
    """Return the data as `model`, or object to the first thing that does not fit it."""
    if not isinstance(data, dict):
        raise Objection(Code.NOT_AN_OBJECT, "the data must be one JSON object")
    try:
        return model.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=True, include_input=False)[0]
        raise _objection(first) from None


def check_counts(data: Any, most: Mapping[str, int]) -> None:
    """Object to a list or map with more entries than `most` has for its field's path.

    To be asked before `read`, which would look at every entry.
    """
    for path, limit in most.items():
        value = data
        for name in path.split("."):
            value = value.get(name) if isinstance(value, dict) else None
        if isinstance(value, list | dict) and len(value) > limit:
            raise Objection.too_many(path, limit)


def check_time(data: Any, field: str) -> None:
    """Object to a time that is not written as RFC 3339 has it.

    pydantic takes seconds since 1970 too, as a number and in digits.
    """
    if not _RFC_3339.match(str(data[field])):
        raise Objection(
            Code.FIELD_MALFORMED,
            f"`{field}` is not RFC 3339: send date, time and offset, as 2030-01-31T12:00:00Z",
            field,
        )


def reference(data: Any, field: str) -> str | None:
    """Return the id in `field`, for a rejection to name its object by; None if there is none."""
    try:
        return _IDENTIFIER.validate_python(data[field])
    except (TypeError, LookupError, ValidationError):
        return None


def _objection(error: ErrorDetails) -> Objection:
    field = ".".join(_path(error["loc"]))
    limits = error.get("ctx", {})
    match error["type"]:
        case "missing":
            return Objection(Code.FIELD_MISSING, f"`{field}` is missing: send it", field)
        case "string_too_short":
            return Objection(Code.EMPTY, f"`{field}` is empty: send some text", field)
        case "string_too_long":
            return Objection.too_long(field, limits["max_length"])
        case "string_unicode":
            return Objection(
                Code.CONTROL_CHARACTER,
                f"`{field}` has half of a surrogate pair: send whole Unicode characters",
                field,
            )
        case _:
            message = f"`{field}` has the wrong type or form: {error['msg'].lower()}"
            return Objection(Code.FIELD_MALFORMED, message, field)


def _path(location: Iterable[int | str]) -> Iterable[str]:
    for part in location:
        yield str(part)
        if part in _OPEN:
            return
