"""Which request a record on any topic belongs to."""

import json
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from shared import cloudevents, topics
from shared.delivery import Record
from shared.topics import Topic

_HEADER: Final = "glideslope-"


class RequestName(NamedTuple):
    """A request is known by the CloudEvents source and id that it came with."""

    source: str
    id: str


def request_of(topic: Topic, record: Record) -> RequestName | None:
    """Return the request that a record of `topic` is about; None where it is about none.

    Raises `UnreadableError` when the record is not an event.
    """
    event = cloudevents.read(record.value, record.headers)
    if topic is topics.REQUESTS:
        return RequestName(event.source, event.id)
    return _named_in(json.loads(event.data))


def _named_in(data: Any) -> RequestName | None:
    """Look where the contract's models put it: here, in `request`, in `item.request`."""
    if not isinstance(data, Mapping):
        return None
    if "request_id" in data and "request_source" in data:
        return RequestName(data["request_source"], data["request_id"])
    return _named_in(data.get("request") or data.get("item"))


class Origin(NamedTuple):
    """Where a dead letter comes from, as its headers say."""

    topic: str
    partition: int
    offset: int
    service: str
    code: str
    reason: str


def origin(dead_letter: Record) -> Origin:
    """Read a dead letter's headers; of two with one name the last counts.

    Raises `KeyError` or `ValueError` when the record is not a dead letter of ours.
    """
    said = {
        name.removeprefix(_HEADER): (raw or b"").decode(errors="replace")
        for name, raw in dead_letter.headers
        if name.startswith(_HEADER)
    }
    return Origin(
        topic=said["source-topic"],
        partition=int(said["source-partition"]),
        offset=int(said["source-offset"]),
        service=said["service"],
        code=said["reason-code"],
        reason=said["reason"],
    )
