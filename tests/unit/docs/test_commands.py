"""Whatever the pages tell a reader to type is there: make targets, commands, and their options."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import click
import pytest
from typer.main import get_command

from glideslope.__main__ import app

ROOT = Path(__file__).parents[3]
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (ROOT / "README.md", *ROOT.glob("docs/**/*.md"), *ROOT.glob("deploy/**/*.md"))
    # what was decided then is history
    if "adr" not in path.parts
)
BLOCK = re.compile(r"^ *```\w*\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
SPAN = re.compile(r"`([^`]+)`")
# Where a command stands: `--namespace glideslope` and `helm test glideslope` are none of ours.
COMMAND = r"(?:^\s*|[;&(|] *|[A-Z]=\S* |bin/)"
MAKE = re.compile(COMMAND + r"make ((?:-\w+ )*[a-z][a-z0-9-]*(?: [a-z][a-z0-9-]*(?![\w=/]))*)")
GLIDESLOPE = re.compile(COMMAND + r"glideslope ([^\n;&#)]+)")
WORD = re.compile(r"[a-z][a-z-]*")
MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = {
    *re.findall(r"^([a-z][a-z0-9-]*):", MAKEFILE, re.MULTILINE),
    *(f"bench-{path.stem[6:].replace('_', '-')}" for path in ROOT.glob("benchmarks/bench_*.py")),
}


def code(page: str) -> Iterator[str]:
    """Return what a page sets as code, line by line; a line that a backslash continues is one."""
    text = (ROOT / page).read_text()
    for block in BLOCK.findall(text):
        yield from block.replace("\\\n", " ").splitlines()
    for span in SPAN.findall(BLOCK.sub("", text)):
        yield " ".join(span.split())


@cache
def root() -> Any:
    return get_command(app)


def missing(words: list[str]) -> str | None:
    """Return what there is not of a command with its options, as a reader would be told."""
    command, context, name = root(), click.Context(root()), "glideslope"
    for word in words:
        if word.startswith("--"):
            options = {each for param in command.params for each in param.opts}
            secondary = {each for param in command.params for each in param.secondary_opts}
            if word.split("=")[0] not in {*options, *secondary, "--help"}:
                return f"{name} has no {word}"
        elif isinstance(command, click.Group) or hasattr(command, "list_commands"):
            if not WORD.fullmatch(word):
                break  # an ellipsis, a placeholder
            name, found = f"{name} {word}", command.get_command(context, word)
            if found is None:
                return f"there is no {name}"
            command = found
    return None


def untrue(line: str) -> list[str]:
    """Return what a line of code tells to type and is not there."""
    targets = (
        word for words in MAKE.findall(line) for word in words.split() if not word.startswith("-")
    )
    commands = (missing(words.split()) for words in GLIDESLOPE.findall(line))
    return [
        *(f"there is no make {target}" for target in targets if target not in TARGETS),
        *filter(None, commands),
    ]


@pytest.mark.parametrize("page", PAGES)
def test_what_a_page_tells_to_type_is_there(page: str) -> None:
    assert [wrong for line in code(page) for wrong in untrue(line)] == []


@pytest.mark.parametrize(
    "workflow", sorted((ROOT / ".github/workflows").glob("*.yml")), ids=lambda path: path.name
)
def test_what_a_workflow_runs_is_there(workflow: Path) -> None:
    lines = (re.sub(r"^\s*(- )?run: ", "", line) for line in workflow.read_text().splitlines())
    targets = re.findall(r"target: \[(.+)\]", workflow.read_text())
    made = [f"make {target}" for each in targets for target in each.split(", ")]
    assert [wrong for line in (*lines, *made) for wrong in untrue(line)] == []


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("cd here && make nothing VERSION=1", "there is no make nothing"),
        ("make -s bench-nothing", "there is no make bench-nothing"),
        (".venv/bin/glideslope updown", "there is no glideslope updown"),
        ("KAFKA_BOOTSTRAP_SERVERS=h:1 glideslope ask … --jsonn", "glideslope ask has no --jsonn"),
        ("echo x | glideslope release demote brief", "there is no glideslope release demote"),
    ],
)
def test_what_is_not_there_is_told(line: str, told: str) -> None:
    assert untrue(line) == [told]


def test_what_is_there_or_is_not_ours_is_not_told() -> None:
    for line in (
        "glideslope release promote brief --why better",
        "make check bench-figures",
        "helm test glideslope --namespace glideslope",
    ):
        assert untrue(line) == []
