"""Prompts are data: a file for each revision, which a release names and nobody changes."""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from string import Template
from typing import Final

from services.inference.generator import Rejected, Task
from services.inference.hygiene import clean
from services.inference.models.model import Prompt
from shared.delivery.errors import PermanentError
from shared.events import Passage

FOLDER: Final = Path(__file__).parent.parent / "prompts"


class UnknownPromptError(PermanentError):
    """A release names a revision of the prompt that this service does not have."""

    def __init__(self, revision: str) -> None:
        known = ", ".join(sorted(path.stem for path in FOLDER.glob("*.toml")))
        super().__init__(
            f"the release asks with prompt {revision!r}, which is not among this service's "
            f"({known}): deploy a version that has it, then redrive the record"
        )


@dataclass(frozen=True, slots=True)
class Revision:
    """One revision: what a model is told, what it is asked, and what is said of a rejected try."""

    system: str
    user: Template
    rejected: Template

    def fill(self, task: Task) -> Prompt:
        """Return the prompt for a task."""
        return Prompt(
            self.system,
            self.user.substitute(
                passages="\n".join(_shown(n, p) for n, p in enumerate(task.passages, start=1)),
                question=clean(task.request.question),
                rejected=self._rejected(task.rejected) if task.rejected else "",
            ).strip(),
        )

    def _rejected(self, rejected: Rejected) -> str:
        failures = [(c.name, c.reason) for c in rejected.checks if c.verdict == "failed"]
        if rejected.note:
            failures.append(("a reviewer", rejected.note))
        return self.rejected.substitute(
            answer=clean(rejected.answer.text) if rejected.answer else "(nothing)",
            failures=_listed(f"{who}: {clean(what)}" for who, what in failures),
        ).strip()


@cache
def prompt(revision: str) -> Revision:
    """Return a revision of the prompt. Raises `UnknownPromptError`."""
    path = FOLDER / f"{revision}.toml"
    if path.parent != FOLDER or not path.is_file():
        raise UnknownPromptError(revision)
    told = tomllib.loads(path.read_text(encoding="utf-8"))
    return Revision(told["system"].strip(), Template(told["user"]), Template(told["rejected"]))


def _shown(number: int, passage: Passage) -> str:
    names = {
        "document": passage.document_id,
        "title": passage.title,
        "locator": passage.locator,
    }
    told = "".join(f' {name}="{_attribute(value)}"' for name, value in names.items() if value)
    return f'<passage number="{number}"{told}>\n{clean(passage.text)}\n</passage>'


def _attribute(text: str) -> str:
    return " ".join(clean(text).replace('"', "'").replace("<", "(").replace(">", ")").split())


def _listed(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)
