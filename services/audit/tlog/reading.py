"""A log read entry by entry, as far as its checkpoint goes. Checks form, not proofs."""

from collections.abc import Iterator
from typing import Final

from services.audit.entry import Entry
from services.audit.log import DamagedError
from services.audit.tlog import blob
from services.audit.tlog.blob import BadBlobError
from services.audit.tlog.keystore import KeyReader
from services.audit.tlog.leaf import KEY_EVENTS, BadLeafError, Leaf, identity
from services.audit.tlog.note import Checkpoint, Note, NoteError
from services.audit.tlog.paths import (
    CHECKPOINT,
    TILE_WIDTH,
    BadBundleError,
    Tile,
    blob_path,
    split_bundle,
)
from services.audit.tlog.storage import Storage

_WIDTH: Final = TILE_WIDTH


def read(storage: Storage, keys: KeyReader) -> Iterator[tuple[int, Entry]]:
    """Yield the records in a log, each with its index, that the keys open.

    Records of erased persons, and what happened to keys, are passed over. It may be read while it
    is being written. Raises `DamagedError`.
    """
    stored = storage.get(CHECKPOINT)
    if stored is None:
        return
    try:
        checkpoint = Checkpoint.parse(Note.parse(stored.data).text)
    except NoteError as error:
        raise DamagedError(f"the log's checkpoint cannot be read: {error}") from error
    for index, leaf in leaves(storage, checkpoint.size):
        if leaf.position.topic == KEY_EVENTS:
            continue
        entry = opened(storage, keys, checkpoint.origin, leaf)
        if entry is not None:
            yield index, entry


def leaves(storage: Storage, size: int, start: int = 0) -> Iterator[tuple[int, Leaf]]:
    """Yield the leaves of a log of `size` entries from `start` on. Raises `DamagedError`."""
    for number in range(start // _WIDTH, -(-size // _WIDTH)):
        first = number * _WIDTH
        width = min(size - first, _WIDTH)
        entries = _bundle(storage, Tile(None, number, width))
        if len(entries) < width:
            raise DamagedError(f"the bundle of entry {first} holds too few entries")
        for index in range(max(first, start), first + width):
            try:
                yield index, Leaf.decode(entries[index - first])
            except BadLeafError as error:
                raise DamagedError(f"entry {index} of the log is damaged: {error}") from error


def opened(storage: Storage, keys: KeyReader, origin: str, leaf: Leaf) -> Entry | None:
    """Return a leaf's record, None where its key is gone. Raises `DamagedError`."""
    path = blob_path(leaf.blob.sha256)
    stored = storage.get(path)
    if stored is None:
        raise DamagedError(f"{path}, the record of {leaf.position}, is missing")
    try:
        key = keys.key(blob.key_id(stored.data))
        if key is None:
            return None
        content = blob.open_(stored.data, key, identity(origin, leaf.position))
    except BadBlobError as error:
        raise DamagedError(f"{path}, the record of {leaf.position}: {error}") from error
    return Entry(leaf.position, content.key, content.headers, content.value, leaf.decides)


def _bundle(storage: Storage, tile: Tile) -> list[bytes]:
    """Return a bundle's entries; a partial one may have given way to the full one meanwhile."""
    for candidate in (tile, Tile(None, tile.index)):
        stored = storage.get(candidate.path)
        if stored is not None:
            try:
                return split_bundle(stored.data)
            except BadBundleError as error:
                raise DamagedError(f"{candidate.path} is damaged: {error}") from error
    raise DamagedError(f"{tile.path} is missing")
