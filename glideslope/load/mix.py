"""What is asked under load: rows of JSON Lines, drawn by their weights."""

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, PositiveFloat, StringConstraints, ValidationError

from glideslope.samples.documents import DOCUMENTS
from glideslope.samples.questions import QUESTIONS, SampleQuestion

BUILT_IN: Final = "built-in"
"""Name of the mix that is made of the demo's questions."""

_OWN: Final = ("weight", "tenant", "conversation")


class MixError(Exception):
    """A mix cannot be used; the message says where it is wrong and what to change."""


class _Row(BaseModel):
    """What must be right in a row for it to be sent; ingest judges the rest."""

    model_config = ConfigDict(extra="allow", strict=True)

    question: str
    weight: PositiveFloat = 1.0
    tenant: Annotated[str, StringConstraints(min_length=1)] | None = None
    conversation: Annotated[str, StringConstraints(min_length=1)] | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One kind of request. `value` is the data of the event, sent as it stands."""

    value: bytes
    weight: float = 1.0
    tenant: str | None = None
    conversation: str | None = None


@dataclass(frozen=True, slots=True)
class Mix:
    """Kinds of requests, of which each is drawn as often as its weight says."""

    name: str
    entries: Sequence[Entry]

    def draw(self, seed: int) -> Iterator[Entry]:
        """Yield entries without end; the same ones for the same seed."""
        chance = random.Random(seed)  # noqa: S311 - no secret: a run can be repeated
        upto = list(accumulate(each.weight for each in self.entries))
        while True:
            yield from chance.choices(self.entries, cum_weights=upto, k=256)


def read(path: Path) -> Mix:
    """Read a mix: on each line the data of a request, as it is sent to `requests`.

    `weight` (1 if left out), `tenant` and `conversation` may stand beside it and are not sent.
    Data that ingest will reject is taken: rejections are a part of a load. Raises `MixError`.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise MixError(f"{path} cannot be read as UTF-8 text: {error}") from error
    entries = [
        _entry(line, f"{path}, line {number}")
        for number, line in enumerate(lines, 1)
        if line.strip()
    ]
    if not entries:
        raise MixError(f'{path} is empty: write one {{"question": "…"}} on each line')
    return Mix(path.name, entries)


def built_in() -> Mix:
    """Return the demo's questions, each with the section of the sample documents that answers it.

    So they are answered wherever they are asked, and nothing has to be indexed for them.
    """
    first = {each.id: each for each in reversed(QUESTIONS) if _is_json(each.value)}
    return Mix(BUILT_IN, [_grounded(each) for each in reversed(first.values())])


def _entry(line: str, where: str) -> Entry:
    try:
        row = _Row.model_validate_json(line)
    except ValidationError as error:
        wrong = error.errors()[0]
        field = ".".join(str(part) for part in wrong["loc"])
        raise MixError(f"{where}: {field + ': ' if field else ''}{wrong['msg']}") from error
    data = {name: value for name, value in json.loads(line).items() if name not in _OWN}
    return Entry(_encoded(data), row.weight, row.tenant, row.conversation)


def _grounded(sample: SampleQuestion) -> Entry:
    data = {"passages": _answering(sample), **json.loads(sample.value)}
    return Entry(_encoded(data))


def _answering(sample: SampleQuestion) -> list[dict[str, str]]:
    if sample.says is None:
        return []
    sections = (
        {"id": f"{document.name} {number}", "text": text.strip()}
        for document in DOCUMENTS
        for number, text in enumerate(document.path.read_text(encoding="utf-8").split("\n## "))
    )
    return [each for each in sections if sample.says in each["text"]][:1]


def _is_json(value: bytes) -> bool:
    try:
        json.loads(value)
    except ValueError:
        return False
    return True


def _encoded(data: Mapping[str, Any]) -> bytes:
    return json.dumps(data, ensure_ascii=False).encode()
