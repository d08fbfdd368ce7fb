"""What opening a log finds: where it ends, and what a crash left to be done."""

from collections.abc import Iterable, Iterator, Sequence

import structlog

from services.audit.log import DamagedError, OtherOriginError
from services.audit.tlog.batch import Batch, BatchJournal, publications
from services.audit.tlog.edge import Edge
from services.audit.tlog.merkle import EMPTY_ROOT
from services.audit.tlog.note import Checkpoint, Note, NoteError, VerifierKey
from services.audit.tlog.paths import CHECKPOINT
from services.audit.tlog.storage import Storage

log = structlog.get_logger(__name__)


def recover(
    origin: str, storage: Storage, journal: BatchJournal, keys: Sequence[VerifierKey]
) -> tuple[bytes, str | None, list[Batch]]:
    """Finish what the journal holds; return the checkpoint (none: empty), its version, the batches.

    Raises `LogError`, and what the storage raises.
    """
    stored = storage.get(CHECKPOINT)
    data, version = (b"", None) if stored is None else stored
    batches = journal.read()
    if not batches:
        return data, version, []
    newest = batches[-1]
    if data in {batches[0].old, *(batch.new for batch in batches)}:
        size = checked(origin, newest.new, keys).size
        log.info("finishing what the journal holds", origin=origin, size=size)
        # It may have been read from a page cache whose write had failed.
        journal.secure()
        full: set[str] = set()
        edge = _loaded(origin, storage, batches[0].first)
        for publication in publications(edge, batches):
            storage.create(publication.packs, publication.tiles, repair=True)
            full.update(outgrown(publication.tiles))
        version = storage.replace(CHECKPOINT, newest.new, version)
        storage.sync()
        journal.clear()
        for prefix in full:
            storage.prune(prefix)
        return newest.new, version, batches
    if newest.size > checked(origin, data, keys).size:
        raise DamagedError(
            f"the audit log {origin} once had {newest.size} entries, and its checkpoint "
            "is of fewer. Nothing was changed. Restore the log from a copy; to go on without "
            "what is missing, delete the file `journal` beside it"
        )
    return data, version, []


def checked(origin: str, raw: bytes, keys: Iterable[VerifierKey]) -> Checkpoint:
    """Return the checkpoint, an empty one for no bytes, after checking its signature.

    Raises `DamagedError`, `OtherOriginError`.
    """
    if not raw:
        return Checkpoint(origin, 0, EMPTY_ROOT)
    try:
        note = Note.parse(raw)
        checkpoint = Checkpoint.parse(note.text)
        if checkpoint.origin != origin:
            raise OtherOriginError(
                f"this is the log of {checkpoint.origin}, not of {origin}: set "
                "GLIDESLOPE_DEPLOYMENT or GLIDESLOPE_HOME to what they were"
            )
        note.verify(keys)
    except NoteError as error:
        raise DamagedError(
            f"the checkpoint of the audit log {origin} is not one that this deployment "
            f"signed: {error}. Nothing was changed. Restore it, and the keys, from a copy"
        ) from error
    return checkpoint


def right_edge(
    origin: str, storage: Storage, checkpoint: bytes, keys: Iterable[VerifierKey]
) -> Edge:
    """Return the right edge; refuse to go on where it is not what the checkpoint signs.

    Raises `DamagedError`.
    """
    signed = checked(origin, checkpoint, keys)
    edge = _loaded(origin, storage, signed.size)
    if edge.root() != signed.root:
        raise damaged(origin, "its tiles have another root than its checkpoint")
    if signed.size == 0 and next(storage.list("tile/entries/"), None):
        raise damaged(origin, "it has entries and no checkpoint")
    return edge


def _loaded(origin: str, storage: Storage, size: int) -> Edge:
    try:
        return Edge.load(storage.get, size)
    except DamagedError as error:
        raise damaged(origin, str(error)) from error


def damaged(origin: str, what: str) -> DamagedError:
    """Return the error for a log that is not as it was written."""
    return DamagedError(
        f"the audit log {origin} is damaged: {what}. Nothing was changed. Run "
        "`glideslope audit verify`, and restore what it names from a copy"
    )


def outgrown(tiles: Iterable[str]) -> Iterator[str]:
    """Yield what the paths of the partial tiles begin with that these full tiles replace."""
    for path in tiles:
        if path.startswith("tile/") and ".p/" not in path:
            yield f"{path}.p/"
