"""The page of all settings, from the settings classes."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import AliasChoices
from pydantic.fields import FieldInfo

from glideslope.docs.services import Declaration
from shared.settings import Settings

_HEAD = """<!-- Generated from the settings classes: run `make docs` -->
# Settings

Every setting is an environment variable, and has a default that works on a laptop.
"""


def page(services: Sequence[Declaration]) -> str:
    """Return the page in Markdown: what all services share, then what is one service's own."""
    shared = Settings.model_fields
    sections = [_section("Every service, and the command line", Settings, shared)]
    users: dict[type[Settings], list[str]] = defaultdict(list)
    for service in services:
        users[service.settings].append(service.name)
    for settings, names in users.items():
        own = {n: f for n, f in settings.model_fields.items() if n not in shared}
        if own:
            sections.append(_section(", ".join(names), settings, own))
    return "\n".join([_HEAD, *sections])


def variable(settings: type[Settings], name: str, field: FieldInfo) -> str:
    """Return the environment variable that a field is read from."""
    alias = field.validation_alias
    if isinstance(alias, AliasChoices):
        return str(alias.choices[0])
    if isinstance(alias, str):
        return alias
    return f"{settings.model_config['env_prefix']}{name}".upper()


def _section(heading: str, settings: type[Settings], fields: dict[str, FieldInfo]) -> str:
    rows = [
        f"| `{variable(settings, name, field)}` | {_default(field)} | {field.description} |"
        for name, field in fields.items()
    ]
    head = ["| variable | default | meaning |", "|---|---|---|"]
    return "\n".join([f"## {heading}", "", *head, *rows, ""])


def _default(field: FieldInfo) -> str:
    default: Any = field.get_default(call_default_factory=True)
    if default in (None, ""):
        return "not set"
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    return f"`{default.as_posix() if isinstance(default, Path) else default}`"
