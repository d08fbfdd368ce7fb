"""What an entry of an audit log says of a request, in a line."""

from typing import Final

from pydantic import BaseModel, ValidationError

from services.audit.entry import Entry
from shared import cloudevents, topics
from shared.cloudevents import UnreadableError
from shared.events import (
    Answer,
    AnswerChecked,
    AnswerDrafted,
    EditChecked,
    FeedbackSubmitted,
    RequestAccepted,
    RequestDuplicated,
    RequestRejected,
    RequestSubmitted,
    Result,
    ReviewDecided,
    ReviewEscalated,
)
from shared.topics import Topic

_RELEASE_SHOWN: Final = 12


def summary(topic: Topic | None, entry: Entry) -> str:
    """Return what a record of `topic` says; None is a topic that is none of ours."""
    if topic is None:
        return "on a topic that is none of this deployment's"
    if topic.data is None:
        dead = topic is topics.DEAD_LETTERS
        return "could not be handled" if dead else "waits to be handled once more"
    try:
        event = cloudevents.read(entry.value, entry.headers)
        return " ".join(_said(topic.data.model_validate_json(event.data)).split())
    except (UnreadableError, ValidationError):
        return "was not what the topic carries"


def _said(data: BaseModel) -> str:  # noqa: C901, PLR0911 - one case for each kind of event
    match data:
        case RequestSubmitted():
            return f"asked: {data.question}"
        case RequestAccepted():
            return f"accepted under release {data.release[:_RELEASE_SHOWN]}"
        case RequestRejected():
            return f"rejected, {data.code}: {data.message}"
        case RequestDuplicated():
            return "asked again, which makes no second answer"
        case ReviewDecided():
            return f"{data.decision} by {data.reviewer}: {_text(data.answer)}"
        case ReviewEscalated():
            return f"waits for a person, {data.level.replace('_', ' ')}"
        case AnswerChecked():
            return f"attempt {data.attempt} checked: {data.reason}"
        case AnswerDrafted():
            return f"attempt {data.attempt}: {_text(data.answer)}"
        case EditChecked():
            return f"an edited answer was checked: {_failed(data)}"
        case FeedbackSubmitted():
            return f"was found {data.rating} {data.comment}"
        case Result():
            return f"{data.outcome}, receipt {data.receipt.origin} #{data.receipt.index}"
    return ""


def _text(answer: Answer | None) -> str:
    return "nothing" if answer is None else answer.text


def _failed(edit: EditChecked) -> str:
    failed = [each.name for each in edit.checks if each.verdict != "passed"]
    return f"{', '.join(failed)} not passed" if failed else "all checks passed"
