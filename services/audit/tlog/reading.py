"""A log read entry by entry, as far as its checkpoint goes. Checks form, not proofs."""

from collections.abc import Callable, Iterator
from typing import Final

from services.audit.entry import Entry
from services.audit.log import DamagedError
from services.audit.tlog import blob
from services.audit.tlog.blob import BadBlobError
from services.audit.tlog.edge import Get
from services.audit.tlog.keystore import KeyReader
from services.audit.tlog.leaf import KEY_EVENTS, BadLeafError, Blob, Leaf, identity
from services.audit.tlog.note import Checkpoint, Note, NoteError
from services.audit.tlog.paths import (
    CHECKPOINT,
    TILE_WIDTH,
    BadBundleError,
    Tile,
    pack_path,
    split_bundle,
)

_WIDTH: Final = TILE_WIDTH


def read(get: Get, keys: KeyReader) -> Iterator[tuple[int, Entry]]:
    """Yield the records in a log, each with its index, that the keys open.

    Records of erased persons, and what happened to keys, are passed over. It may be read while it
    is being written. Raises `DamagedError`.
    """
    stored = get(CHECKPOINT)
    if stored is None:
        return
    try:
        checkpoint = Checkpoint.parse(Note.parse(stored.data).text)
    except NoteError as error:
        raise DamagedError(f"the log's checkpoint cannot be read: {error}") from error
    records = Records(lambda path: None if (found := get(path)) is None else found.data)
    for index, leaf in leaves(get, checkpoint.size):
        if leaf.position.topic == KEY_EVENTS:
            continue
        entry = opened(records, keys, checkpoint.origin, leaf)
        if entry is not None:
            yield index, entry


def leaves(get: Get, size: int, start: int = 0) -> Iterator[tuple[int, Leaf]]:
    """Yield the leaves of a log of `size` entries from `start` on. Raises `DamagedError`."""
    for number in range(start // _WIDTH, -(-size // _WIDTH)):
        first = number * _WIDTH
        width = min(size - first, _WIDTH)
        entries = _bundle(get, Tile(None, number, width))
        if len(entries) < width:
            raise DamagedError(f"the bundle of entry {first} holds too few entries")
        for index in range(max(first, start), first + width):
            try:
                yield index, Leaf.decode(entries[index - first])
            except BadLeafError as error:
                raise DamagedError(f"entry {index} of the log is damaged: {error}") from error


class Records:
    """The encrypted records of a log, out of its packs; it remembers the pack it read last.

    `get` gives a pack's bytes by its path, None where there is none; it may raise what it likes.
    """

    def __init__(self, get: Callable[[str], bytes | None]) -> None:
        self._get = get
        self._path = ""
        self._pack: bytes | None = None

    def find(self, blob_: Blob) -> bytes | None:
        """Return the record's bytes, fewer where the pack is cut off, None without the pack."""
        path = pack_path(blob_.pack)
        if path != self._path:
            self._pack = self._get(path)
            self._path = path
        return None if self._pack is None else self._pack[blob_.at : blob_.at + blob_.bytes]


def opened(records: Records, keys: KeyReader, origin: str, leaf: Leaf) -> Entry | None:
    """Return a leaf's record, None where its key is gone. Raises `DamagedError`."""
    sealed = records.find(leaf.blob)
    where = f"{pack_path(leaf.blob.pack)}, where the record of {leaf.position} belongs,"
    if sealed is None:
        raise DamagedError(f"{where} is missing")
    try:
        key = keys.key(blob.key_id(sealed))
        if key is None:
            return None
        content = blob.open_(sealed, key, identity(origin, leaf.position))
    except BadBlobError as error:
        raise DamagedError(f"{where} is damaged: {error}") from error
    return Entry(leaf.position, content.key, content.headers, content.value, leaf.decides)


def _bundle(get: Get, tile: Tile) -> list[bytes]:
    """Return a bundle's entries; a partial one may have given way to the full one meanwhile."""
    for candidate in (tile, Tile(None, tile.index)):
        stored = get(candidate.path)
        if stored is not None:
            try:
                return split_bundle(stored.data)
            except BadBundleError as error:
                raise DamagedError(f"{candidate.path} is damaged: {error}") from error
    raise DamagedError(f"{tile.path} is missing")
