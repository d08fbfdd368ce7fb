"""The topic `routing`: which releases requests are pinned to, as one record under one key."""

from typing import Final

from shared import cloudevents, topics
from shared.cloudevents import UnreadableError
from shared.delivery.record import Record
from shared.events import RoutingChanged

KEY: Final = b"routing"
"""The key of every record, so that compaction keeps the newest."""
PARTITION: Final = 0
"""Where all records are, so that they have an order."""


def read(record: Record) -> RoutingChanged:
    """Return what a record of `routing` says.

    Raises `UnreadableError`, or pydantic's `ValidationError`, for one that says nothing.
    """
    event = cloudevents.read(record.value, record.headers)
    if event.type != topics.ROUTING.event_type or record.partition != PARTITION:
        raise UnreadableError("wrong_type", f"{event.type} is no change of the routing")
    return RoutingChanged.model_validate_json(event.data)
