"""The writer of one transparency log: entries in, receipts out.

A batch is in the log once the journal has it, signed checkpoint included, and has been synced:
from there every restart makes the same objects, byte for byte (docs/adr/0009). They are published
in this order: encrypted records → bundles and tiles → checkpoint, which is compared and swapped.
The journal is cleared when all of them are durable too.
"""

import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, islice
from typing import Final, Protocol

import structlog

from services.audit.entry import Entry, Position, RequestKey, Stream
from services.audit.log import Appended, LogError, OtherWriterError, UnavailableError
from services.audit.tlog.batch import Batch, BatchJournal, Publication
from services.audit.tlog.keystore import KeyStore, KeysUnavailableError
from services.audit.tlog.leaf import KEY_EVENTS, Leaf
from services.audit.tlog.note import Checkpoint, Note
from services.audit.tlog.paths import CHECKPOINT, key_path
from services.audit.tlog.reading import leaves
from services.audit.tlog.recovery import damaged, outgrown, recover, right_edge
from services.audit.tlog.sealing import Sealed, Sealer
from services.audit.tlog.storage import ConflictError, Storage, StorageError
from shared.delivery.errors import FatalError
from shared.events import Receipt

_CAUGHT_UP_AT_ONCE: Final = 4_096
_OUTAGES: Final = (OSError, StorageError, KeysUnavailableError, sqlite3.Error)
"""What passes when disk, network or permissions are mended."""

log = structlog.get_logger(__name__)


class Derived(Protocol):
    """What is looked up about entries; made again from the log when it is gone."""

    def size(self) -> int:
        """Return how many entries it knows."""

    def place(self, position: Position) -> tuple[int, int] | None:
        """Return the index of the entry with this position, and the size in its receipt."""

    def end(self, request: RequestKey) -> int | None:
        """Return the index of the entry that decided the request: the first that did."""

    def newest(self, stream: Stream) -> int | None:
        """Return the offset of the newest entry of a partition, None where there is none."""

    def add(self, leaves: Iterable[tuple[int, Leaf]], size: int) -> None:
        """Take in durable entries, with the size of the log that covers them."""

    def write(self) -> None:
        """Keep what was taken in from the next start, all or none."""

    def close(self) -> None:
        """Close it."""


class TransparencyStore:
    """A `Store`. Owns what it is given, and closes it; the key store is others' as well.

    `publish_seconds` may pass until an entry that the journal has can be seen in the storage;
    with 0 it is there before its receipt. Only where the journal's lock guards the storage too is
    anything else safe: elsewhere the swap of the checkpoint is what keeps a second writer out.

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
        publish_seconds: float = 0.0,
    ) -> None:
        """Open the log and finish what a crash interrupted. Raises `LogError`."""
        self._origin = origin
        self._storage = storage
        self._journal = journal
        self._derived = derived
        self._keys = keys
        self._parts: tuple[Derived | Storage | BatchJournal, ...] = (derived, storage, journal)
        self._sealer = Sealer(origin, keys, default_tenant)
        self._key_stream: Stream = (keys.id, KEY_EVENTS, int(origin.rpartition("/")[2]))
        self._publish_seconds = publish_seconds
        self._failure: FatalError | None = None
        self._signers = keys.signers(origin)
        verifiers = [key.verifier() for key in self._signers]
        self._published, self._version, newest = recover(origin, storage, journal, verifiers)
        self._signed = self._published
        self._edge = right_edge(origin, storage, self._published, verifiers)
        self._published_size = self._edge.size
        self._published_at = time.monotonic()
        self._waiting: list[Batch] = []
        self._outgrown: set[str] = set()
        self._publish_keys()
        self._catch_up(newest)

    def append(self, entries: Sequence[Entry]) -> list[Appended]:
        """Return once all entries are durable, with what each one got when it first came.

        What happened to keys meanwhile is appended before them. Raises `LogError`.
        """
        with self._guarded():
            return self._append(entries)

    def tend(self) -> None:
        """Append what happened to keys, and publish what waits for it. Raises `LogError`."""
        with self._guarded():
            self._append([])
            self._publish()

    def close(self) -> None:
        """Let another process write the log. Closing again does nothing."""
        if self._failure is None:
            try:
                self._settle()
            except Exception as error:  # noqa: BLE001 - the journal has it: the next start does it
                log.warning("left to the journal", origin=self._origin, error=repr(error))
            self._failure = LogError(f"the audit log {self._origin} is closed")
        parts, self._parts = self._parts, ()
        for part in parts:
            part.close()

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        if self._failure is not None:
            raise type(self._failure)(str(self._failure))
        try:
            yield
        except Exception as error:
            # Whatever it is: an entry that is not in the log must not be answered.
            self._failure = self._meaning(error)
            raise self._failure from error

    def _meaning(self, error: Exception) -> FatalError:
        if isinstance(error, FatalError) and not isinstance(error, _OUTAGES):
            return error
        if isinstance(error, ConflictError):
            self._forget_refused()
            return OtherWriterError(
                f"another process wrote the audit log {self._origin}, so this one stops: "
                f"{error}. Nothing is lost; let only one process write a log"
            )
        what = f"the audit log {self._origin} could not be written: {error!r}. No record is lost"
        if isinstance(error, _OUTAGES):
            return UnavailableError(
                f"{what}: mend the storage (space, permissions, health), and audit goes on"
            )
        return LogError(f"{what}. Start audit again; if that does not help, report it")

    # ── opening ───────────────────────────────────────────────────────────────────────────────

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
            self._storage.sync()

    def _catch_up(self, newest: Sequence[Batch]) -> None:
        """Tell derived state what it missed; the `newest` batches with the sizes that they had."""
        known, size = self._derived.size(), self._edge.size
        if known > size:
            raise damaged(
                self._origin,
                f"it ends before entry {known}, which it once held; to go on without what is "
                "missing, delete the derived state beside it",
            )
        missed = leaves(self._storage.get, newest[0].first if newest else size, known)
        for first in missed:
            self._derived.add(chain([first], islice(missed, _CAUGHT_UP_AT_ONCE)), size)
        for batch in newest:
            entries = enumerate(map(Leaf.decode, batch.leaves), batch.first)
            self._derived.add((each for each in entries if each[0] >= known), batch.size)
        self._derived.write()

    # ── appending ─────────────────────────────────────────────────────────────────────────────

    def _append(self, entries: Sequence[Entry]) -> list[Appended]:
        next_event = self._derived.newest(self._key_stream)
        events = self._keys.events(0 if next_event is None else next_event + 1)
        newest: dict[Stream, int | None] = {self._key_stream: next_event}
        new: dict[Position, Entry] = {}
        for entry in entries:
            position = entry.position
            stream = position[:3]
            if stream not in newest:
                newest[stream] = self._derived.newest(stream)
            last = newest[stream]
            # What comes after the newest is new; elsewhere it is looked up.
            if last is None or position.offset > last or self._derived.place(position) is None:
                new.setdefault(position, entry)
        placed: dict[Position, tuple[int, int]] = {}
        if new or events:
            at = sum(len(batch.records) for batch in self._waiting)
            sealed = self._sealer.seal(events, list(new.values()), newest, self._published_size, at)
            self._commit(sealed)
            first, size = self._edge.size - len(new), self._edge.size
            placed = {position: (index, size) for index, position in enumerate(new, first)}
        return [self._appended(entry, placed) for entry in entries]

    def _commit(self, sealed: Sealed) -> None:
        """Write a batch to the journal; it is in the log from there on."""
        encoded = tuple(leaf.encode() for leaf in sealed.leaves)
        first = self._edge.size
        self._edge.grow(encoded)
        size = self._edge.size
        signed = Checkpoint(self._origin, size, self._edge.root()).signed(self._signers[-1])
        batch = Batch(
            old=self._signed,
            new=bytes(signed),
            size=size,
            pack=self._published_size,
            leaves=encoded,
            records=sealed.records,
        )
        if not self._publish_seconds:
            self._check_alone()
        self._journal.write(batch)
        self._signed = batch.new
        self._waiting.append(batch)
        self._derived.add(enumerate(sealed.leaves, first), size)
        if time.monotonic() - self._published_at >= self._publish_seconds:
            self._publish()

    def _publish(self) -> None:
        """Put what waits in the journal into the storage, for everybody to see."""
        if self._waiting:
            made = Publication.of(self._published, self._published_size, self._waiting, self._edge)
            self._storage.create(made.packs, made.tiles)
            self._version = self._storage.replace(CHECKPOINT, made.checkpoint, self._version)
            self._published, self._published_size = made.checkpoint, made.size
            self._waiting = []
            self._outgrown.update(outgrown(made.tiles))
        self._derived.write()
        self._published_at = time.monotonic()
        if self._journal.is_full or self._storage.is_durable:
            self._settle()

    def _settle(self) -> None:
        """Make everything durable where it belongs, so that the journal can be forgotten."""
        if self._waiting:
            self._publish()
        self._storage.sync()
        self._journal.clear()
        # Not before: the journal is done again on top of them.
        while self._outgrown:
            self._storage.prune(self._outgrown.pop())

    def _check_alone(self) -> None:
        """Raise `ConflictError` if another writer was here, before leaving anything behind."""
        stored = self._storage.get(CHECKPOINT)
        if self._version != (None if stored is None else stored.version):
            raise ConflictError("its checkpoint is not the one that this process signed last")

    def _forget_refused(self) -> None:
        """Let no restart do again what another writer was quicker with: nothing of it counts."""
        if self._publish_seconds:
            return  # receipts were given for it
        try:
            self._storage.sync()
            self._journal.clear()
        except _OUTAGES as error:
            log.warning("the journal was not cleared", origin=self._origin, error=repr(error))

    def _appended(self, entry: Entry, placed: dict[Position, tuple[int, int]]) -> Appended:
        place = placed.get(entry.position) or self._derived.place(entry.position)
        if place is None:
            raise LogError(f"{entry.position} was written and is not there")
        index, size = place
        return Appended(
            Receipt(origin=self._origin, index=index, size=size),
            decides=entry.decides is not None and self._derived.end(entry.decides) == index,
        )
