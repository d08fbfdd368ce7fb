"""All that the logs hold of one request, decrypted where its keys are there."""

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from pydantic import ValidationError

from glideslope.audit.objects import Objects, UnreadableObjectError
from glideslope.audit.places import Place
from glideslope.identity import RequestName, origin, request_of
from services.audit.entry import Entry
from services.audit.log import DamagedError
from services.audit.tlog import blob
from services.audit.tlog.blob import BadBlobError
from services.audit.tlog.keystore import KeyReader
from services.audit.tlog.leaf import KEY_EVENTS, BadLeafError, Leaf, identity
from services.audit.tlog.note import Checkpoint, Note
from services.audit.tlog.paths import (
    CHECKPOINT,
    TILE_WIDTH,
    Tile,
    pack_path,
    split_bundle,
)
from services.audit.tlog.reading import Records
from shared import cloudevents, topics
from shared.cloudevents import UnreadableError
from shared.delivery import Record
from shared.events import ReleaseRegistered
from shared.release import BUILT_IN, Release
from shared.topics import Topic

_OF_COPIES: Final = frozenset(topic.event_type for topic in topics.SHADOWS)


@dataclass(frozen=True, slots=True)
class Found:
    """One entry about the request. `entry` is None where nobody can decrypt it any more."""

    log: Place
    origin: str
    index: int
    raw: bytes
    leaf: Leaf
    sealed: bytes
    entry: Entry | None

    def as_data(self) -> dict[str, Any]:
        """Return it for machines, and for people who read JSON."""
        position = self.leaf.position
        return {
            "log": self.origin,
            "index": self.index,
            "at": datetime.fromtimestamp(position.timestamp / 1000, UTC).isoformat(),
            "topic": position.topic,
            "partition": position.partition,
            "offset": position.offset,
            "event_id": self.leaf.event_id,
            "type": self.leaf.type,
            "tenant": self.leaf.tenant,
            "release": self.leaf.release,
            "decrypted": self.entry is not None,
            "record": None if self.entry is None else record_data(self.entry),
        }


def record_data(entry: Entry) -> dict[str, Any]:
    """Return a record as JSON has it; a value that is JSON as that, other bytes as text."""
    return {
        "key": _text(entry.key),
        "headers": {name: _text(value) for name, value in entry.headers},
        "value": _value(entry.value),
    }


def entries_of(
    logs: Sequence[Place],
    keys: KeyReader | None,
    request_id: str,
    names: Mapping[str, Topic],
    source: str | None = None,
) -> tuple[list[Found], dict[str, Release]]:
    """Return the entries about a request, in each log's order, and the releases on the way.

    `names` maps the topics' names on the cluster to the topics. Of a record that cannot be
    decrypted only its event's id, and whether it decided the request, can tell. It reads all
    that is logged. Raises `DamagedError`.
    """
    releases = {BUILT_IN.content_hash(): BUILT_IN}
    about = []
    for log in logs:
        for found in entries(log, keys):
            if names.get(found.leaf.position.topic) is topics.RELEASES:
                _take_release(found, releases)
            if _is_about(found, request_id, source, names):
                about.append(found)
    return about, releases


def _take_release(found: Found, releases: dict[str, Release]) -> None:
    if found.entry is None or found.entry.value is None:
        return
    with contextlib.suppress(UnreadableError, ValidationError):  # logged, and no release
        event = cloudevents.read(found.entry.value, found.entry.headers)
        manifest = ReleaseRegistered.model_validate_json(event.data).manifest
        releases[manifest.content_hash()] = manifest


def entries(
    log: Place, keys: KeyReader | None, wanted: Callable[[Leaf], bool] | None = None
) -> Iterator[Found]:
    """Yield the entries of a log but those about keys, in its order: all, or those wanted.

    Raises `DamagedError`.
    """
    with _readable(log), closing(log.open()) as objects:
        records = Records(objects.read)
        checkpoint = _checkpoint(objects)
        for index, raw, leaf in _leaves(objects, checkpoint.size, wanted):
            sealed = records.find(leaf.blob) or b""
            entry = _opened(leaf, sealed, checkpoint.origin, keys)
            yield Found(log, checkpoint.origin, index, raw, leaf, sealed, entry)


def origin_of(log: Place) -> str:
    """Return the origin of a log, whatever is in it. Raises `DamagedError`."""
    with _readable(log), closing(log.open()) as objects:
        return _checkpoint(objects).origin


def _checkpoint(objects: Objects) -> Checkpoint:
    return Checkpoint.parse(Note.parse(objects.read(CHECKPOINT)).text)


@contextlib.contextmanager
def _readable(log: Place) -> Iterator[None]:
    try:
        yield
    except (BadLeafError, BadBlobError, LookupError, UnreadableObjectError, ValueError) as error:
        raise DamagedError(
            f"the log in {log} cannot be read: {error}. Run `glideslope audit verify {log}`"
        ) from error


def _leaves(
    objects: Objects, size: int, wanted: Callable[[Leaf], bool] | None
) -> Iterator[tuple[int, bytes, Leaf]]:
    """Yield each entry that has a record of Kafka, as it stands and as it reads."""
    asked_for = -1
    for number in range(-(-size // TILE_WIDTH)):
        first = number * TILE_WIDTH
        tile = Tile(None, number, min(TILE_WIDTH, size - first))
        try:
            bundle = objects.read(tile.path)
        except LookupError:  # a full one has replaced it
            bundle = objects.read(Tile(None, number).path)
        read = [
            (index, raw, Leaf.decode(raw))
            for index, raw in enumerate(split_bundle(bundle)[: tile.width], first)
        ]
        of_kafka = [
            each
            for each in read
            if each[2].position.topic != KEY_EVENTS and (wanted is None or wanted(each[2]))
        ]
        packs = sorted({each[2].blob.pack for each in of_kafka if each[2].blob.pack > asked_for})
        objects.ahead(pack_path(pack) for pack in packs)
        asked_for = max(packs, default=asked_for)
        yield from of_kafka


def _opened(leaf: Leaf, sealed: bytes, origin_: str, keys: KeyReader | None) -> Entry | None:
    key = None if keys is None else keys.key(blob.key_id(sealed))
    if key is None:
        return None
    content = blob.open_(sealed, key, identity(origin_, leaf.position))
    return Entry(leaf.position, content.key, content.headers, content.value, leaf.decides)


def _is_about(
    found: Found, request_id: str, source: str | None, names: Mapping[str, Topic]
) -> bool:
    topic = names.get(found.leaf.position.topic)
    if found.entry is None:
        decides = found.leaf.decides
        if decides is not None:
            return decides.id == request_id and source in {None, decides.source}
        return topic is topics.REQUESTS and found.leaf.event_id == request_id
    name = request_in(found.entry, names)
    return name is not None and name.id == request_id and source in {None, name.source}


def request_in(entry: Entry, names: Mapping[str, Topic]) -> RequestName | None:
    """Return the request that an entry is about, None where it is about none that we know.

    `names` maps the topics' names on the cluster to the topics.
    """
    record = record_of(entry)
    with contextlib.suppress(UnreadableError, KeyError, ValueError):  # about no request we know
        topic = names[record.topic]
        if topic is topics.DEAD_LETTERS:
            topic = names[origin(record).topic]
        return request_of(topic, record)
    return None


def record_of(entry: Entry) -> Record:
    """Return the record of Kafka that an entry holds."""
    position = entry.position
    return Record(
        topic=position.topic,
        partition=position.partition,
        offset=position.offset,
        timestamp=position.timestamp,
        key=entry.key,
        value=entry.value,
        headers=entry.headers,
    )


def release_of(found: Sequence[Found]) -> str | None:
    """Return the release that the request was pinned to, by its content hash.

    That of a copy, which another release ran in shadow, is not meant.
    """
    for each in found:
        if each.entry is None or each.leaf.type in _OF_COPIES:
            continue
        with contextlib.suppress(UnreadableError, ValueError):
            data = json.loads(cloudevents.read(each.entry.value, each.entry.headers).data)
            release = data.get("release") if isinstance(data, dict) else None
            if isinstance(release, str):
                return release
    return None


def _text(raw: bytes | None) -> str | None:
    return None if raw is None else raw.decode(errors="backslashreplace")


def _value(raw: bytes | None) -> Any:
    if raw is None:
        return None
    try:
        return json.loads(raw)
    except ValueError:
        return _text(raw)
