"""Why a record is not an event."""

from typing import Final, Literal, get_args

Code = Literal[
    "bad_attribute",  # an attribute is no text, empty, contradictory, or not allowed
    "bad_data",  # `data_base64` is not base64, or stands beside `data`
    "bad_envelope",  # the value of a structured event is not one JSON object
    "bad_json",  # the value is not JSON in UTF-8
    "batch",  # several events in one record
    "no_data",  # the event has no data
    "no_id",
    "no_outbox",  # a handler was called past the delivery engine
    "no_source",
    "no_type",
    "not_json",  # the data's declared content type is another than JSON
    "specversion",  # another version of CloudEvents, or none
    "tombstone",  # the record has no value
    "unsupported_format",  # a structured event in another format than JSON
    "wrong_type",  # an event of a type that the topic does not carry
]
CODES: Final[frozenset[str]] = frozenset(get_args(Code))
"""Every reason why a record may be unreadable."""


class UnreadableError(ValueError):
    """A record is not an event that its topic carries. `code` is one of `CODES`, for counting."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code: Final[Code] = code
