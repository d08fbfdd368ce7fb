"""The contract as one page: it loads nothing from anywhere, and runs no script."""

import ast
import inspect
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from glideslope.declarations import Declaration
from glideslope.docs import asyncapi, examples, schemas
from shared import topics
from shared.topics import Topic

_SENDERS: Final = {
    topics.REQUESTS: "your systems",
    topics.DOCUMENTS: "your systems",
    topics.FEEDBACK: "your systems",
    topics.REVIEWS_DECIDED: "a reviewer",
    topics.OPERATIONS: "an operator",
    topics.RELEASES: "an operator",
    topics.ROUTING: "an operator",
    **{topic: service for service, topic in topics.RETRIES.items()},
}
"""Who writes a topic, beside the services."""

_READERS: Final = {
    topics.RESULTS: "your systems",
    topics.REQUESTS_REJECTED: "your systems",
    topics.DOCUMENTS_REJECTED: "your systems",
    topics.FEEDBACK_REJECTED: "your systems",
    topics.FALLBACK_REVIEW: "a reviewer",
    topics.DEAD_LETTERS: "an operator",
    topics.OPERATIONS: "an operator",
    topics.RELEASES: "every service",
    topics.ROUTING: "ingest",
    **{topic: service for service, topic in topics.RETRIES.items()},
}
"""Who reads a topic, beside the services that consume it."""


@dataclass(frozen=True)
class Field:
    """One row of a table of fields; `depth` counts the objects that it stands in."""

    name: str
    type: str
    required: bool
    description: str
    depth: int


@dataclass(frozen=True)
class Row:
    """One topic, as the page shows it."""

    topic: Topic
    about: str
    writers: list[str]
    readers: list[str]
    fields: list[Field]
    headers: str
    example: str | None


def page(services: Sequence[Declaration]) -> str:
    """Return the page in HTML."""
    environment = Environment(
        loader=PackageLoader("glideslope.docs", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("contract.html.jinja").render(
        rows=rows(services),
        services=services,
        attributes=list(fields(asyncapi.attributes())),
    )


def rows(services: Sequence[Declaration]) -> list[Row]:
    """Return every topic in the order in which an event meets them."""
    return [_row(topic, services) for topic in topics.ALL]


def fields(schema: dict[str, Any]) -> Iterator[Field]:
    """Return the fields of an object's schema, each followed by those of the object it holds."""
    yield from _fields(schema, schema.get("$defs", {}), 0, frozenset())


def _fields(
    schema: dict[str, Any], defs: dict[str, Any], depth: int, inside: frozenset[str]
) -> Iterator[Field]:
    for name, value in schema.get("properties", {}).items():
        model = _model(value)
        described = defs[model] if model else {}
        about = value.get("description") or described.get("description", "")
        yield Field(
            name=name,
            type=_type(value, defs),
            required=name in schema.get("required", ()),
            description=about.partition("\n\n")[0].replace("\n", " "),
            depth=depth,
        )
        if model and model not in inside:
            yield from _fields(described, defs, depth + 1, inside | {model})


def _model(value: dict[str, Any]) -> str | None:
    """Return the model that a field, or each of its items, is."""
    for inner in (value, value.get("items"), *value.get("anyOf", ())):
        if isinstance(inner, dict):
            if "$ref" in inner:
                return str(inner["$ref"]).removeprefix("#/$defs/")
            if inner is not value and (model := _model(inner)):
                return model
    return None


def _type(value: dict[str, Any], defs: dict[str, Any]) -> str:
    match value:
        case {"$ref": str()}:
            target = defs[_model(value) or ""]
            name = "object" if "properties" in target else _type(target, defs)
        case {"anyOf": [*ones]}:
            name = " or ".join(_type(one, defs) for one in ones)
        case {"enum": [*words]}:
            name = " | ".join(words)
        case {"const": constant}:
            name = str(constant)
        case {"type": "array"}:
            name = f"list of {_type(value.get('items', {}), defs)}"
        case {"type": "object"}:
            name = f"map to {_type(value.get('additionalProperties') or {}, defs)}"
        case {"format": "date-time"}:
            name = "RFC 3339 time"
        case _:
            name = f"{value.get('type', 'any JSON')}{_limits(value)}"
    return name


def _limits(value: dict[str, Any]) -> str:
    low = value.get("minLength", value.get("minimum"))
    high = value.get("maxLength", value.get("maximum"))
    unit = " characters" if "minLength" in value or "maxLength" in value else ""
    if low is None and high is None:
        return ""
    if high is None:
        return f", {low:,} or more{unit}"
    return f", {low or 0:,} to {high:,}{unit}"


def _row(topic: Topic, services: Sequence[Declaration]) -> Row:
    writers = [s.name for s in services if topic in s.sends]
    readers = [s.name for s in services if topic in s.receives]
    data = topic.data is not None
    return Row(
        topic=topic,
        about=_comments().get(topic) or _docstring(topic),
        writers=([_SENDERS[topic]] if topic in _SENDERS else []) + writers,
        readers=readers + ([_READERS[topic]] if topic in _READERS else []),
        fields=list(fields(schemas.schema(topic))) if data else [],
        headers="\n".join(f"{k}: {v}" for k, v in examples.headers(topic).items()) if data else "",
        example=json.dumps(examples.data(topic), indent=2, ensure_ascii=False) if data else None,
    )


def _docstring(topic: Topic) -> str:
    return inspect.cleandoc(topic.data.__doc__ or "").replace("\n", " ") if topic.data else ""


@cache
def _comments() -> dict[Topic, str]:
    """Return the comment above each topic in `shared/topics.py`, which is where it is explained."""
    source = inspect.getsource(topics)
    lines = source.splitlines()
    found: dict[Topic, str] = {}
    for statement in ast.parse(source).body:
        if not isinstance(statement, ast.Assign) or not isinstance(statement.targets[0], ast.Name):
            continue
        value = getattr(topics, statement.targets[0].id)
        if not isinstance(value, Topic):
            continue
        above = statement.lineno - 1
        first = above
        while lines[first - 1].startswith("#"):
            first -= 1
        if comment := " ".join(line.removeprefix("#").strip() for line in lines[first:above]):
            found[value] = comment
    return found
