"""The commands of docs/releases.md, typed in their order."""

import re
import shlex
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.main import get_group
from typer.testing import CliRunner

from glideslope.commands.release import app, routing
from glideslope.commands.release.routing import StepOf
from glideslope.releases.routes import UNROUTED
from shared.events import RoutingChanged

ROOT = Path(__file__).parents[5]
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ROUTING = {"shadow", "canary", "promote", "rollback"}


def typed() -> list[list[str]]:
    """Return the words of each command, without its comment."""
    manual = (ROOT / "docs/releases.md").read_text(encoding="utf-8")
    lines = re.findall(r"^glideslope release (.*)", manual, re.MULTILINE)
    return [shlex.split(line, comments=True) for line in lines]


def test_what_the_manual_routes_can_be_typed_in_its_order(monkeypatch: pytest.MonkeyPatch) -> None:
    states: list[RoutingChanged] = [UNROUTED]

    def change(_action: str, step: StepOf, release: str | None, *_: object, **__: object) -> None:
        states.append(step(release or "")(states[-1], NOON))

    monkeypatch.setattr(routing, "_change", change)
    commands = [words for words in typed() if words[0] in ROUTING]
    assert {words[0] for words in commands} == ROUTING
    for words in commands:
        done = CliRunner().invoke(app, words)
        assert done.exit_code == 0, f"{shlex.join(words)}: {done.exception or done.output}"
    assert len(states) == len(commands) + 1


def test_every_command_of_the_manual_has_the_options_that_it_shows() -> None:
    group = get_group(app)
    for words in typed():
        read = group.commands[words[0]].make_context(words[0], words[1:])  # raises where it has not
        assert not read.args, shlex.join(words)
