"""How `glideslope review` shows what waits."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Self

from rich.table import Column, Table
from rich.text import Text

from glideslope.review import Item
from glideslope.terminal import out, plain
from shared.events import AnswerChecked

_ID_SHOWN: Final = 40
_QUESTION_SHOWN: Final = 60


@dataclass(frozen=True, slots=True)
class Line:
    """One item in the list."""

    id: str
    source: str
    question: str
    reason: str
    since: datetime

    @classmethod
    def of(cls, item: Item) -> Self:
        """Return the line of an item that was read from the topics."""
        request = item.checked.request
        source, id_ = item.name
        return cls(id_, source, request.question, item.checked.reason, item.since)


def show_list(lines: Sequence[Line]) -> None:
    """Print the list."""
    if not lines:
        out.print("nothing waits for a person")
        return
    # an id is there to be copied: it is never cut, and a usual one not folded either
    ids = Column(
        "id", overflow="fold", min_width=min(max(len(line.id) for line in lines), _ID_SHOWN)
    )
    table = Table(ids, "source", "question", "why", "waits", box=None)
    for line in lines:
        question = " ".join(plain(line.question).split())
        if out.is_terminal and len(question) > _QUESTION_SHOWN:
            question = question[: _QUESTION_SHOWN - 1] + "…"
        table.add_row(
            Text(plain(line.id), overflow="fold"),
            Text(plain(line.source)),
            Text(question),
            Text(plain(line.reason)),
            Text(_waited(line.since)),
        )
    out.print(table)


def _waited(since: datetime) -> str:
    seconds = (datetime.now(UTC) - since).total_seconds()
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"


def show_item(checked: AnswerChecked) -> None:
    """Print all of one item."""
    request = checked.request
    _line("request", f"{request.request_id} of {request.request_source}, tenant {request.tenant}")
    _line("question", request.question)
    _line("answer", "none was found" if checked.answer is None else checked.answer.text)
    for citation in checked.answer.citations if checked.answer is not None else ():
        _line("  quotes", f"“{citation.quote}” — {citation.document_id}, {citation.locator}")
    _line("why", checked.reason)
    confidence = checked.confidence
    _line("confidence", f"{confidence.probability:.2f}, asked for: {confidence.threshold:.2f}")
    for check in checked.checks:
        _line(f"  {check.name}", f"{check.verdict}, {check.score:.2f}: {check.reason}")
    for passage in checked.passages:
        _line(f"passage {passage.document_id}, {passage.locator}", passage.text)


def _line(what: str, said: str) -> None:
    out.print(
        Text(f"{plain(what)}: ", style="cyan").append(plain(said), style="default"), soft_wrap=True
    )
