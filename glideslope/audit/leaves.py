r"""What each entry says of itself, read by a grammar.

A leaf is canonical JSON (RFC 8785), so each has one spelling, and a regular expression can tell
whether it is that: in a fifth of the time of parsing it and writing it again, and by other code
than the writer's. `services.audit.tlog.leaf` says what the members mean.
"""

import json
import re
from typing import Final, NamedTuple

from services.audit.entry import Position

_STRING: Final = r'"(?:[^"\\\x00-\x1f]++|\\(?:["\\bfnrt]|u00(?:0[0-7bef]|1[0-9a-f])))*+"'
_OPTIONAL: Final = rf"(?:{_STRING}|null)"
_NUMBER: Final = r"(?:0|-?[1-9][0-9]*+)"
_LEAF: Final = re.compile(
    rf'\{{"blob":\{{"at":(?P<at>{_NUMBER}),"bytes":(?P<bytes>{_NUMBER}),'
    rf'"pack":(?P<pack>{_NUMBER}),"sha256":"(?P<sha256>[0-9a-f]{{64}})"\}},'
    rf'"cluster":(?P<cluster>{_STRING}),'
    rf'"decides":(?:null|\{{"accepted_at":{_STRING},"id":{_STRING},"source":{_STRING}\}}),'
    rf'"event_id":(?P<event_id>{_OPTIONAL}),'
    rf'"offset":(?P<offset>{_NUMBER}),'
    rf'"partition":(?P<partition>{_NUMBER}),'
    rf'"previous":(?P<previous>{_NUMBER}|null),'
    rf'"release":{_OPTIONAL},'
    rf'"subject_key":(?P<subject_key>{_OPTIONAL}),'
    rf'"tenant":{_OPTIONAL},'
    rf'"timestamp":(?P<timestamp>{_NUMBER}),'
    rf'"topic":(?P<topic>{_STRING}),'
    rf'"type":(?P<type>{_OPTIONAL}),'
    r'"v":2\}'
)


class Said(NamedTuple):
    """The members of a leaf that a verification needs."""

    cluster: str
    topic: str
    partition: int
    offset: int
    previous: int | None
    timestamp: int
    event_id: str | None
    type: str | None
    subject_key: str | None
    sha256: str
    bytes: int
    pack: int
    at: int

    @property
    def position(self) -> Position:
        """Where the record stood."""
        return Position(self.cluster, self.topic, self.partition, self.offset, self.timestamp)


class BadFormError(ValueError):
    """The entry is no leaf, or is not spelt as a leaf is."""


def read_leaf(raw: bytes) -> Said:
    """Return what a leaf says. Raises `BadFormError`."""
    try:
        match = _LEAF.fullmatch(raw.decode())
    except UnicodeDecodeError as error:
        raise BadFormError("it is no leaf: it is not UTF-8") from error
    if match is None:
        raise BadFormError("it is no leaf of version 2 in canonical JSON")
    (
        at,
        size,
        pack,
        sha256,
        cluster,
        event_id,
        offset,
        partition,
        previous,
        subject_key,
        timestamp,
        topic,
        type_,
    ) = match.groups()
    return Said(
        cluster=_text(cluster) or "",
        topic=_text(topic) or "",
        partition=int(partition),
        offset=int(offset),
        previous=None if previous == "null" else int(previous),
        timestamp=int(timestamp),
        event_id=_text(event_id),
        type=_text(type_),
        subject_key=_text(subject_key),
        sha256=sha256,
        bytes=int(size),
        pack=int(pack),
        at=int(at),
    )


def event_of(raw: bytes) -> str | None:
    """Return the event id that an entry, perhaps an altered one, says it is about."""
    match = re.search(rb'"event_id":"([^"\\]{1,1024})"', raw)
    return None if match is None else match[1].decode(errors="replace")


def _text(spelt: str) -> str | None:
    if spelt == "null":
        return None
    if "\\" in spelt:
        text: str = json.loads(spelt)
        return text
    return spelt[1:-1]
