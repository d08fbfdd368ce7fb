"""What a record looks like without what it says: its structure, and the lengths of its parts."""

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final

from pydantic import BaseModel

from shared import events
from shared.cloudevents import Headers

_PLAIN_HEADERS: Final = frozenset(
    {
        *("ce_specversion", "ce_id", "ce_type", "ce_source", "ce_time", "ce_tenant", "ce_release"),
        *("ce_deadline", "content-type", "traceparent", "glideslope-redrives"),
    }
)
"""Headers that say which event it is and when, not whom or what it is about."""

_ITEMS_SHOWN: Final = 3


def masked(value: bytes | None) -> str:
    """Return a record's value with every text, number and unknown name replaced by what it was."""
    if value is None:
        return "no value"
    try:
        parsed = json.loads(value)
    except (ValueError, RecursionError):
        return _bytes(value)
    return json.dumps(_masked(parsed), indent=2, ensure_ascii=False)


def masked_headers(headers: Headers) -> list[tuple[str, str]]:
    """Return headers by name; the value of each that may be about a person is only measured."""
    return [
        (name, readable(raw) if name.lower() in _PLAIN_HEADERS else masked_bytes(raw))
        for name, raw in headers
    ]


def masked_bytes(raw: bytes | None) -> str:
    """Return how long something is."""
    return "null" if raw is None else _bytes(raw)


def readable(raw: bytes | None) -> str:
    """Return bytes as the text that they are, or escaped where they are none."""
    return "null" if raw is None else raw.decode(errors="backslashreplace")


def _masked(value: Any) -> Any:
    match value:
        case dict():
            return {_name(name): _masked(inner) for name, inner in value.items()}
        case list():
            shown = [_masked(inner) for inner in value[:_ITEMS_SHOWN]]
            more = len(value) - len(shown)
            return [*shown, f"<{more:,} more>"] if more else shown
        case str():
            return f"<text, {_counted(len(value), 'character')}>"
        case bool():
            return "<true or false>"
        case None:
            return None
    return "<number>"


def _name(name: str) -> str:
    """Return a name of the contract; any other was chosen by the sender, and may be content."""
    return name if name in _NAMES else f"<name, {_counted(len(name), 'character')}>"


def _bytes(raw: bytes) -> str:
    return f"<{_counted(len(raw), 'byte')}>"


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _names(models: Sequence[type[BaseModel]]) -> Iterator[str]:
    for model in models:
        yield from model.model_fields
        yield from _names(model.__subclasses__())


_NAMES: Final = frozenset(_names([events.Data])) | {
    *("specversion", "id", "type", "source", "time", "subject", "datacontenttype", "dataschema"),
    *("data", "data_base64", "tenant"),  # an event in structured mode
}
