"""The page of all settings, from the settings classes, and of what else is read."""

from collections import defaultdict
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, NamedTuple

from pydantic.fields import FieldInfo
from pydantic_core import to_json

from glideslope.declarations import Declaration
from glideslope.releases.rule import WatchSettings
from shared.settings import Settings

_HEAD = """<!-- Generated from the settings classes: run `make docs` -->
# Settings

Every setting is an environment variable, and has a default that works on a laptop. What is neither
text, number nor truth value is JSON.
"""


class Reader(StrEnum):
    """Who reads a variable that is no setting of the pipeline."""

    LOCAL_KAFKA = "The local Kafka"
    SERVICES = "Every service, besides its settings"
    TESTS = "Tests and benchmarks"


class Variable(NamedTuple):
    """An environment variable that no settings class reads."""

    name: str
    reader: Reader
    default: str | None
    meaning: str


OTHERS: Final = (
    Variable(
        "GLIDESLOPE_KAFKA",
        Reader.LOCAL_KAFKA,
        "auto",
        "How it runs: `container`, `jvm`, or `auto`, the first of them that can. Nothing is "
        "started where `KAFKA_BOOTSTRAP_SERVERS` is set.",
    ),
    Variable(
        "GLIDESLOPE_CACHE",
        Reader.LOCAL_KAFKA,
        None,
        "Folder of what is fetched for it once. Not set: `glideslope` in the user's cache folder.",
    ),
    Variable(
        "XDG_CACHE_HOME",
        Reader.LOCAL_KAFKA,
        None,
        "The user's cache folder. Not set: `~/.cache`.",
    ),
    Variable(
        "JAVA_HOME",
        Reader.LOCAL_KAFKA,
        None,
        "The Java that it runs on. Not set: the `java` on the path.",
    ),
    Variable(
        "NOTIFY_SOCKET",
        Reader.SERVICES,
        None,
        "Unix socket on which the service manager is told when the service is ready; systemd "
        "and `glideslope up` set it.",
    ),
    Variable(
        "DEMO_KEEP",
        Reader.TESTS,
        None,
        "`1` leaves `make demo` up until Ctrl-C, and names the reviewers' page.",
    ),
    Variable(
        "GLIDESLOPE_CHROMIUM",
        Reader.TESTS,
        None,
        "The Chromium of `make test-browser`. Not set: the `chromium` on the path.",
    ),
    Variable(
        "GLIDESLOPE_SCREENSHOTS",
        Reader.TESTS,
        None,
        "Folder in which `make test-browser` keeps a picture of each page.",
    ),
    Variable(
        "GLIDESLOPE_BENCH_SCALE",
        Reader.TESTS,
        "1",
        "Share of their events and seconds that `make bench-delivery`, `bench-inference` and "
        "`bench-review` run with.",
    ),
    Variable(
        "GLIDESLOPE_CHAOS",
        Reader.TESTS,
        None,
        "`full` runs every chaos test, and more rounds of each, as `make chaos` does.",
    ),
    Variable(
        "GLIDESLOPE_CHAOS_SEED",
        Reader.TESTS,
        None,
        "Seed of a chaos test's choices, to repeat the failure that printed it.",
    ),
    Variable(
        "GLIDESLOPE_BENCH_DATA",
        Reader.TESTS,
        "../shared/data",
        "Folder of the benchmarks' data sets, which are not part of the project.",
    ),
)


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
