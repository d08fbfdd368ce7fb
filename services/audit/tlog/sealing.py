"""Records, and what happened to keys, made into entries: a leaf and an encrypted record each."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from services.audit.entry import Entry, Position, Stream
from services.audit.tlog import blob
from services.audit.tlog.keystore import KeyEvent, KeyStore, Owner
from services.audit.tlog.labels import Labels
from services.audit.tlog.leaf import KEY_EVENTS, Blob, Leaf, identity


@dataclass(frozen=True, slots=True)
class Sealed:
    """New entries in their order, and their encrypted records one after the other."""

    leaves: tuple[Leaf, ...]
    records: bytes


class Sealer:
    """Seals the entries of one log; it knows the newest offset of each partition that is in it."""

    def __init__(self, origin: str, keys: KeyStore, default_tenant: str) -> None:
        self._origin = origin
        self._partition = int(origin.rpartition("/")[2])
        self._keys = keys
        self._default_tenant = default_tenant

    def seal(
        self,
        events: Sequence[KeyEvent],
        entries: Sequence[Entry],
        newest: dict[Stream, int | None],
        pack: int,
        at: int,
    ) -> Sealed:
        """Return what happened to keys, and the entries after it, for the pack from byte `at` on.

        `newest` has the offset of the newest entry of each partition before, and after this call
        of these. Raises `BadLeafError`, `KeyStoreError`.
        """
        labels = [Labels.of(entry) for entry in entries]
        owners = [Owner(label.tenant or self._default_tenant, label.subject) for label in labels]
        keys = self._keys.wrapping({*owners, *(Owner(event.tenant, None) for event in events)})
        leaves: list[Leaf] = []
        records: list[bytes] = []

        def add(position: Position, label: Labels, content: blob.Sealable, key: blob.Key) -> Leaf:
            nonlocal at
            record = blob.seal(content, key, identity(self._origin, position))
            stream = position[:3]
            leaf = Leaf(
                position,
                newest[stream],
                label.event_id,
                label.type,
                label.tenant,
                label.release,
                None,
                None,
                Blob(sha256(record).hexdigest(), len(record), pack, at),
            )
            newest[stream] = position.offset
            at += len(record)
            leaves.append(leaf)
            records.append(record)
            return leaf

        for event in events:
            detail = tuple((name, text.encode()) for name, text in event.detail.items())
            leaf = add(
                self.position(event),
                Labels(event_id=event.event_id, type=event.type, tenant=event.tenant),
                blob.Content(None, detail, None),
                keys[Owner(event.tenant, None)],
            )
            leaf.subject_key = event.subject_key
        for entry, label, owner in zip(entries, labels, owners, strict=True):
            key = keys[owner]
            leaf = add(entry.position, label, entry, key)
            leaf.decides = entry.decides
            if owner.subject is not None:
                leaf.subject_key = key.id
        return Sealed(tuple(leaves), b"".join(records))

    def position(self, event: KeyEvent) -> Position:
        """Return where an event stands among those of the key store."""
        return Position(self._keys.id, KEY_EVENTS, self._partition, event.number, event.at)
