"""The services as they declare themselves: what each consumes and publishes, and its settings."""

import importlib
import typing
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from faststream.specification import AsyncAPI

import services
from shared import topics
from shared.delivery import Service
from shared.settings import Settings
from shared.topics import Topic

_BY_NAME: Final = {topic.name: topic for topic in topics.ALL}


@dataclass(frozen=True)
class Declaration:
    """One service. `payloads` holds FastStream's schema of what it takes from or gives to a topic.

    It is None where a service takes records as they are. `reads` and `groups` are what it reads
    besides and where it leaves offsets besides: see `shared.delivery.Service`.
    """

    name: str
    about: str
    settings: type[Settings]
    receives: tuple[Topic, ...]
    sends: tuple[Topic, ...]
    payloads: dict[Topic, dict[str, Any] | None]
    reads: tuple[Topic, ...]
    groups: tuple[str, ...]


def found() -> list[Declaration]:
    """Return every package in `services` that has an `app.py`, by name."""
    folder = Path(services.__path__[0])
    return [declared(path.parent.name) for path in sorted(folder.glob("*/app.py"))]


def declared(name: str) -> Declaration:
    """Return what the service called `name` declares with FastStream."""
    app = importlib.import_module(f"services.{name}.app")
    build: Callable[[Settings], Service] = app.build
    settings: type[Settings] = typing.get_type_hints(build)["settings"]
    # built from defaults alone, so that no environment variable finds its way into the docs
    service = build(settings.model_construct())
    specification: dict[str, Any] = (
        AsyncAPI(service.broker, schema_version="3.0.0").to_specification().to_jsonable()
    )
    by_action: dict[str, list[Topic]] = {"receive": [], "send": []}
    payloads: dict[Topic, dict[str, Any] | None] = {}
    for operation in specification["operations"].values():
        topic = _BY_NAME[_follow(specification, operation["channel"])["address"]]
        by_action[operation["action"]].append(topic)
        payloads[topic] = _payload(specification, operation)
    return Declaration(
        name=name,
        about=(app.__doc__ or "").strip().splitlines()[0].rstrip("."),
        settings=settings,
        receives=_ordered(by_action["receive"]),
        sends=_ordered([*by_action["send"], topics.DEAD_LETTERS]),
        payloads=payloads,
        reads=_ordered(service.reads),
        groups=tuple(sorted(service.groups)),
    )


def _ordered(some: Collection[Topic]) -> tuple[Topic, ...]:
    return tuple(topic for topic in topics.ALL if topic in some)


def _payload(specification: dict[str, Any], operation: dict[str, Any]) -> dict[str, Any] | None:
    message = _follow(specification, _follow(specification, operation["messages"][0]))
    payload = _follow(specification, message["payload"])
    return payload if payload.get("properties") else None


def _follow(specification: dict[str, Any], reference: dict[str, Any]) -> dict[str, Any]:
    """Return what a `$ref` of FastStream's points at; channel names may hold escaped slashes."""
    while "$ref" in reference:
        found: Any = specification
        for step in reference["$ref"].removeprefix("#/").split("/"):
            found = found[step.replace("~1", "/").replace("~0", "~")]
        reference = found
    return reference
