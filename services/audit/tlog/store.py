"""The writer of one transparency log: entries in, receipts out.

A batch is written in this order, each step durable before the next: journal → encrypted blobs →
bundles and tiles → signed checkpoint. Then derived state takes it in. What a crash leaves between
two steps, the next start finishes from the journal, byte for byte.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

import structlog

from services.audit.entry import Entry, Position, RequestKey
from services.audit.log import (
    Appended,
    DamagedError,
    LogError,
    OtherOriginError,
    WriteFailedError,
)
from services.audit.tlog import blob
from services.audit.tlog.batch import Batch, BatchJournal
from services.audit.tlog.edge import Edge
from services.audit.tlog.keystore import KeyEvent, KeyStore, Owner
from services.audit.tlog.labels import Labels
from services.audit.tlog.leaf import KEY_EVENTS, Blob, Leaf, identity
from services.audit.tlog.merkle import EMPTY_ROOT
from services.audit.tlog.note import Checkpoint, Note, NoteError
from services.audit.tlog.paths import (
    CHECKPOINT,
    TILE_WIDTH,
    blob_path,
    checkpoint_path,
    key_path,
)
from services.audit.tlog.reading import leaves
from services.audit.tlog.storage import ConflictError, Storage
from shared.events import Receipt

log = structlog.get_logger(__name__)


class Derived(Protocol):
    """What is looked up about entries; made again from the log when it is gone."""

    def size(self) -> int:
        """Return how many entries it knows."""

    def place(self, position: Position) -> tuple[int, int] | None:
        """Return the index of the entry with this position, and the size in its receipt."""

    def end(self, request: RequestKey) -> int | None:
        """Return the index of the entry that decided the request: the first that did."""

    def next_offset(self, cluster: str, topic: str) -> int:
        """Return the offset after the newest that it knows of a topic, 0 where it knows none."""

    def add(self, leaves: Iterator[tuple[int, Leaf]], size: int) -> None:
        """Take in durable entries, all or none, with the size of the log that covers them."""

    def close(self) -> None:
        """Close it."""


class TransparencyStore:
    """A `Store`. Owns what it is given, and closes it; the key store is others' as well.

    After any failure nobody knows what the storage holds, so it takes no more; opening the log
    again sorts it out.
    """

    def __init__(  # noqa: PLR0913 - the parts of a log
        self,
        origin: str,
        *,
        storage: Storage,
        journal: BatchJournal,
        derived: Derived,
        keys: KeyStore,
        default_tenant: str = "default",
    ) -> None:
        """Open the log and finish what a crash interrupted. Raises `LogError`."""
        self._origin = origin
        self._storage = storage
        self._journal = journal
        self._derived = derived
        self._keys = keys
        self._parts: tuple[Derived | Storage | BatchJournal, ...] = (derived, storage, journal)
        self._default_tenant = default_tenant
        self._partition = int(origin.rpartition("/")[2])
        self._failure: str | None = None
        self._signers = keys.signers(origin)
        self._checkpoint, self._version = self._recovered()
        self._edge = self._loaded()
        self._publish_keys()
        self._catch_up()
        self._key_events = derived.next_offset(keys.id, KEY_EVENTS)

    def append(self, entries: Sequence[Entry]) -> list[Appended]:
        """Return once all entries are durable, with what each one got when it first came.

        What happened to keys meanwhile is appended before them. Raises `WriteFailedError`.
        """
        if self._failure is not None:
            raise WriteFailedError(self._failure)
        try:
            self._write(entries)
            return [self._appended(entry) for entry in entries]
        except Exception as error:
            # Whatever it is: an entry that is not in the log must stop the service.
            self._failure = (
                f"the audit log {self._origin} could not be written: {error!r}. No record is "
                "lost: mend the storage (space, permissions, health) and start audit again"
            )
            if isinstance(error, ConflictError):
                self._failure = (
                    f"another process wrote the audit log {self._origin}, so this one stops: "
                    f"{error}. Nothing is lost; let only one process write a log"
                )
            raise WriteFailedError(self._failure) from error

    def close(self) -> None:
        """Let another process write the log. Closing again does nothing."""
        self._failure = self._failure or f"the audit log {self._origin} is closed"
        parts, self._parts = self._parts, ()
        for part in parts:
            part.close()

    # ── opening ───────────────────────────────────────────────────────────────────────────────

    def _recovered(self) -> tuple[bytes, str | None]:
        """Finish the batch that was interrupted, if any; return the checkpoint and its version."""
        stored = self._storage.get(CHECKPOINT)
        data, version = (b"", None) if stored is None else stored
        batch = self._journal.read()
        if batch is None:
            return data, version
        if batch.new == data:
            # Its writer may have died before the checkpoint's new place was durable.
            return data, self._storage.replace(CHECKPOINT, data, version)
        if batch.old == data:
            self._check(batch.new)
            log.warning("finishing an interrupted batch", origin=self._origin, size=batch.size)
            # The journal may have been read from a page cache whose write had failed.
            self._journal.write(batch)
            self._storage.create(*batch.stages, repair=True)
            return batch.new, self._storage.replace(CHECKPOINT, batch.new, version)
        if batch.size > self._check(data).size:
            raise DamagedError(
                f"the audit log {self._origin} once had {batch.size} entries, and its checkpoint "
                "is of fewer. Nothing was changed. Restore the log from a copy; to go on without "
                "what is missing, delete the file `journal` beside it"
            )
        return data, version

    def _check(self, raw: bytes) -> Checkpoint:
        """Return the checkpoint, an empty one for no bytes, after checking its signature."""
        if not raw:
            return Checkpoint(self._origin, 0, EMPTY_ROOT)
        try:
            note = Note.parse(raw)
            checkpoint = Checkpoint.parse(note.text)
            if checkpoint.origin != self._origin:
                raise OtherOriginError(
                    f"this is the log of {checkpoint.origin}, not of {self._origin}: set "
                    "GLIDESLOPE_DEPLOYMENT or GLIDESLOPE_HOME to what they were"
                )
            note.verify(key.verifier() for key in self._signers)
        except NoteError as error:
            raise DamagedError(
                f"the checkpoint of the audit log {self._origin} is not one that this deployment "
                f"signed: {error}. Nothing was changed. Restore it, and the keys, from a copy"
            ) from error
        return checkpoint

    def _loaded(self) -> Edge:
        """Return the right edge; refuse to go on where it is not what the checkpoint signs."""
        checkpoint = self._check(self._checkpoint)
        edge = Edge.load(self._storage, checkpoint.size)
        if edge.root() != checkpoint.root:
            raise self._damaged("its tiles have another root than its checkpoint")
        if checkpoint.size == 0 and next(self._storage.list("tile/entries/"), None):
            raise self._damaged("it has entries and no checkpoint")
        if self._derived.size() > checkpoint.size:
            raise self._damaged(
                f"it ends before entry {self._derived.size()}, which it once held; to go on "
                "without what is missing, delete the derived state beside it"
            )
        return edge

    def _damaged(self, what: str) -> DamagedError:
        return DamagedError(
            f"the audit log {self._origin} is damaged: {what}. Nothing was changed. Run "
            "`glideslope audit verify`, and restore what it names from a copy"
        )

    def _publish_keys(self) -> None:
        """Put each public key beside the log, signed by the key before it."""
        objects: dict[str, bytes] = {}
        for number, key in enumerate(self._signers):
            text = f"{self._origin}\n{number}\n{key.verifier()}\n"
            by = self._signers[max(number - 1, 0)]
            objects[key_path(number)] = bytes(Note(text, (by.sign(text),)))
        known = {path for path in objects if self._storage.get(path) is not None}
        if missing := {path: data for path, data in objects.items() if path not in known}:
            self._storage.create(missing)

    def _catch_up(self) -> None:
        """Tell derived state what it missed."""
        if (known := self._derived.size()) < self._edge.size:
            self._derived.add(leaves(self._storage, self._edge.size, known), self._edge.size)

    # ── appending ─────────────────────────────────────────────────────────────────────────────

    def _write(self, entries: Sequence[Entry]) -> None:
        events = self._keys.events(self._key_events)
        new: dict[Position, Entry] = {}
        for entry in entries:
            if self._derived.place(entry.position) is None:
                new.setdefault(entry.position, entry)
        if not new and not events:
            return
        sealed = self._sealed(events, list(new.values()))
        edge, tiles = self._edge.grown([leaf.encode() for leaf, _ in sealed])
        signed = Checkpoint(self._origin, edge.size, edge.root()).signed(self._signers[-1])
        if edge.size // TILE_WIDTH > self._edge.size // TILE_WIDTH and self._checkpoint:
            tiles[checkpoint_path(self._edge.size)] = self._checkpoint
        blobs = {blob_path(leaf.blob.sha256): data for leaf, data in sealed}
        batch = Batch(self._checkpoint, bytes(signed), edge.size, (blobs, tiles))
        self._journal.write(batch)
        self._check_alone()
        self._storage.create(*batch.stages)
        self._version = self._storage.replace(CHECKPOINT, batch.new, self._version)
        before, self._edge, self._checkpoint = self._edge, edge, batch.new
        self._derived.add(iter(enumerate((leaf for leaf, _ in sealed), before.size)), edge.size)
        self._key_events += len(events)
        self._prune(before.size, tiles)

    def _check_alone(self) -> None:
        """Raise `ConflictError` if another writer was here, before leaving anything behind."""
        stored = self._storage.get(CHECKPOINT)
        if self._version != (None if stored is None else stored.version):
            raise ConflictError("its checkpoint is not the one that this process signed last")

    def _sealed(
        self, events: Sequence[KeyEvent], entries: Sequence[Entry]
    ) -> list[tuple[Leaf, bytes]]:
        """Return the leaves and blobs of what happened to keys, and of the entries after it."""
        labels = [Labels.of(entry) for entry in entries]
        owners = [Owner(label.tenant or self._default_tenant, label.subject) for label in labels]
        keys = self._keys.wrapping({*owners, *(Owner(event.tenant, None) for event in events)})
        sealed = [self._seal_event(event, keys) for event in events]
        for entry, label, owner in zip(entries, labels, owners, strict=True):
            key = keys[owner]
            content = blob.Content(entry.key, entry.headers, entry.value)
            data = blob.seal(content, key, identity(self._origin, entry.position))
            leaf = Leaf(
                position=entry.position,
                event_id=label.event_id,
                type=label.type,
                tenant=label.tenant,
                release=label.release,
                decides=entry.decides,
                subject_key=None if owner.subject is None else key.id,
                blob=_blob(data),
            )
            sealed.append((leaf, data))
        return sealed

    def _seal_event(self, event: KeyEvent, keys: Mapping[Owner, blob.Key]) -> tuple[Leaf, bytes]:
        position = Position(self._keys.id, KEY_EVENTS, self._partition, event.number, event.at)
        detail = tuple((name, text.encode()) for name, text in event.detail.items())
        data = blob.seal(
            blob.Content(None, detail, None),
            keys[Owner(event.tenant, None)],
            identity(self._origin, position),
        )
        leaf = Leaf(
            position=position,
            event_id=event.event_id,
            type=event.type,
            tenant=event.tenant,
            release=None,
            decides=None,
            subject_key=event.subject_key,
            blob=_blob(data),
        )
        return leaf, data

    def _appended(self, entry: Entry) -> Appended:
        place = self._derived.place(entry.position)
        if place is None:
            raise LogError(f"{entry.position} was written and is not there")
        index, size = place
        return Appended(
            Receipt(origin=self._origin, index=index, size=size),
            decides=entry.decides is not None and self._derived.end(entry.decides) == index,
        )

    def _prune(self, before: int, tiles: Mapping[str, bytes]) -> None:
        """Delete the partial tiles that full ones replaced."""
        if self._edge.size // TILE_WIDTH == before // TILE_WIDTH:
            return
        for path in tiles:
            if path.startswith("tile/") and ".p/" not in path:
                self._storage.prune(f"{path}.p/")


def _blob(data: bytes) -> Blob:
    return Blob(hashlib.sha256(data).hexdigest(), len(data))
