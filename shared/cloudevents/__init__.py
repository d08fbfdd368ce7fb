"""CloudEvents 1.0 over Kafka: binary mode is written, binary and structured mode are read.

Source: CloudEvents 1.0.2 and its Kafka protocol binding 1.0.2. In binary mode attributes travel
as `ce_…` headers and the record's value is the data; in structured mode the value is one JSON
object with `data` or `data_base64` in it and content type `application/cloudevents+json`.
"""

from shared.cloudevents.event import NAMESPACE, SPECVERSION, Derivation, Event, Headers, derived_id
from shared.cloudevents.reading import read
from shared.cloudevents.unreadable import CODES, Code, UnreadableError

__all__ = [
    "CODES",
    "NAMESPACE",
    "SPECVERSION",
    "Code",
    "Derivation",
    "Event",
    "Headers",
    "UnreadableError",
    "derived_id",
    "read",
]
