"""What the audit log on disk holds of one request, read as an auditor would."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ValidationError

from glideslope.audit.history import request_in
from glideslope.identity import RequestName
from services.audit.adapters.stores import read
from services.audit.entry import Entry
from services.audit.tlog.keystore import KeyReader
from shared import cloudevents
from shared.events import (
    Answer,
    AnswerChecked,
    AnswerDrafted,
    RequestAccepted,
    RequestSubmitted,
    Result,
    ReviewDecided,
)
from shared.topics import Topic


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """One entry of an audit log: its index there, when Kafka took the record, what happened."""

    index: int
    at: datetime
    topic: str
    summary: str


def history(
    log: Path, keys: KeyReader, request: RequestName, names: Mapping[str, Topic]
) -> list[HistoryLine]:
    """Return the entries about one request in the log in folder `log`, in the log's order.

    `names` maps the topics' names on the cluster to the topics. What the keys do not open is
    passed over. Raises `DamagedError`.
    """
    return [
        HistoryLine(
            index=index,
            at=datetime.fromtimestamp(entry.position.timestamp / 1000, UTC),
            topic=names[entry.position.topic].name,
            summary=" ".join(_summary(names[entry.position.topic], entry).split()),
        )
        for index, entry in read(log, keys)
        if request_in(entry, names) == request
    ]


def _summary(topic: Topic, entry: Entry) -> str:
    if topic.data is None:
        return "could not be handled"
    event = cloudevents.read(entry.value, entry.headers)
    try:
        return _said(topic.data.model_validate_json(event.data))
    except ValidationError:
        return "was not what the topic carries"


def _said(data: BaseModel) -> str:
    said = ""
    match data:
        case RequestSubmitted():
            said = f"asked: {data.question}"
        case RequestAccepted():
            said = f"accepted under release {data.release[:12]}"
        case ReviewDecided():
            said = f"{data.decision} by {data.reviewer}: {_text(data.answer)}"
        case AnswerChecked():
            said = f"attempt {data.attempt} checked: {data.reason}"
        case AnswerDrafted():
            said = f"attempt {data.attempt}: {_text(data.answer)}"
        case Result():
            said = f"{data.outcome}, receipt {data.receipt.origin} #{data.receipt.index}"
    return said


def _text(answer: Answer | None) -> str:
    return "nothing" if answer is None else answer.text
