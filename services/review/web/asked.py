"""What a request asks for: who it is from, its filter, and the fields of its form."""

from enum import StrEnum
from typing import Any, Final, TypeVar

from starlette.datastructures import FormData, QueryParams
from starlette.exceptions import HTTPException
from starlette.requests import Request

from services.review.identity import Identity
from services.review.item import Alarm, Risk, Status
from services.review.queue import Filter
from services.review.web import current

_DIGITS: Final = 9

E = TypeVar("E", bound=StrEnum)


def required(request: Request) -> Identity:
    """Return who asks; whoever is not signed in is sent to do so (`errors`)."""
    who = current.identity(request)
    if who is None:
        raise HTTPException(401, "sign in first")
    return who


def filter_of(asked: QueryParams, who: Identity) -> Filter:
    """Return the filter that an address asks for; what it says wrongly bounds nothing."""
    whose = asked.get("whose")
    status = asked.get("status")
    return Filter(
        status=None if status == "all" else one(Status, status) or Status.OPEN,
        tenant=asked.get("tenant") or None,
        risk=one(Risk, asked.get("risk")),
        alarm=one(Alarm, asked.get("alarm")),
        skill=asked.get("skill") or None,
        holder=who.name if whose == "mine" else None,
        free=True if whose == "free" else None,
        text=asked.get("text", "").strip() or None,
        snoozed=asked.get("snoozed") == "yes",
    )


def text(form: FormData, name: str) -> str:
    """Return a field without the space around it; one that is not there is empty."""
    value = form.get(name)
    return value.strip() if isinstance(value, str) else ""


def token(form: FormData) -> int:
    """Return the token of the claim that a form is sent under."""
    return number(text(form, "token"))


def number(written: str | None) -> int:
    """Return a number; what is none is 0."""
    return (
        int(written)
        if written and written.isascii() and written.isdecimal() and len(written) <= _DIGITS
        else 0
    )


def one(kind: type[E], written: str | None) -> E | None:
    """Return the member of a kind by its value; None where it has none such."""
    return next((each for each in kind if each.value == written), None)


def with_changes(asked: QueryParams, **changed: Any) -> str:
    """Return a query with some of its parameters changed."""
    return str(QueryParams({**dict(asked), **{name: str(v) for name, v in changed.items()}}))
