"""The page of all settings, from the settings classes, and of what else is read."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_core import to_json

from glideslope.declarations import Declaration
from glideslope.releases.rule import WatchSettings
from glideslope.variables import OTHERS, Reader
from shared.settings import Settings

_HEAD = """<!-- Generated from the settings classes: run `make docs` -->
# Settings

Every setting is an environment variable, and has a default that works on a laptop. What is neither
text, number nor truth value is JSON. Services and commands name each setting that is wrong and what
it must be, and end with exit code 2; they warn of a `GLIDESLOPE_…` variable that nothing reads.
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
    watching = {n: f for n, f in WatchSettings.model_fields.items() if n not in shared}
    sections.append(_section("`glideslope release watch`", WatchSettings, watching))
    sections += [
        _table(reader, [f"| `{v.name}` | {_code(v.default)} | {v.meaning} |" for v in variables])
        for reader in Reader
        if (variables := [v for v in OTHERS if v.reader is reader])
    ]
    return "\n".join([_HEAD, *sections])


def _section(heading: str, settings: type[Settings], fields: dict[str, FieldInfo]) -> str:
    rows = [
        f"| `{settings.variable(name)}` | {_default(field)} | {field.description} |"
        for name, field in fields.items()
    ]
    return _table(heading, rows)


def _table(heading: str, rows: Sequence[str]) -> str:
    head = ["| variable | default | meaning |", "|---|---|---|"]
    return "\n".join([f"## {heading}", "", *head, *rows, ""])


def _default(field: FieldInfo) -> str:
    default: Any = field.get_default(call_default_factory=True)
    if isinstance(default, Path):
        return _code(default.as_posix())
    # text is taken from the environment as it stands, and everything else as JSON
    return _code(default if default is None or isinstance(default, str) else to_json(default))


def _code(value: str | bytes | None) -> str:
    text = value.decode() if isinstance(value, bytes) else value
    return f"`{text}`" if text else "not set"
