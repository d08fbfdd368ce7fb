"""Whether the encrypted records open, and whether each missing key was logged as destroyed."""

from collections.abc import Iterator
from functools import lru_cache

from glideslope.audit.findings import Finding, Problem
from glideslope.audit.leaves import Said
from services.audit.tlog.blob import BadBlobError, key_id, open_
from services.audit.tlog.keystore import KeyReader
from services.audit.tlog.leaf import KEY_EVENTS, SHREDDED, identity
from services.audit.tlog.paths import pack_path

_KEYS_AT_HAND = 4_096


class Opening:
    """Takes the entries of one log in order, each with its encrypted record.

    `opened` counts the records that were decrypted, `shredded` those that nobody can any more
    because an entry says that their key was destroyed.
    """

    def __init__(self, reader: KeyReader, origin: str) -> None:
        self._key = lru_cache(maxsize=_KEYS_AT_HAND)(reader.key)
        self._origin = origin
        self._destroyed: dict[str, Finding] = {}
        self._closed: dict[str, tuple[int, Finding]] = {}
        self.opened = 0
        self.shredded = 0

    def check(self, index: int, said: Said, raw: bytes) -> str | None:
        """Take an entry in; return what is wrong with its record, if anything is."""
        name = pack_path(said.pack)
        if said.topic == KEY_EVENTS and said.type == SHREDDED and said.subject_key is not None:
            what = f"its key {said.subject_key} is still there, and the entry says it was destroyed"
            finding = Finding(Problem.KEY_LIVES, name, what, index, said.event_id)
            self._destroyed.setdefault(said.subject_key, finding)
        try:
            id_ = key_id(raw)
            key = self._key(id_)
            if key is not None:
                open_(raw, key, identity(self._origin, said.position))
                self.opened += 1
                return None
        except BadBlobError as error:
            return str(error)
        count = self._closed.get(id_, (0, None))[0]
        what = f"its key {id_} is not there, and no entry says that it was destroyed"
        first = Finding(Problem.KEY_GONE, name, what, index, said.event_id)
        self._closed[id_] = (count + 1, self._closed.get(id_, (0, first))[1])
        return None

    def findings(self) -> Iterator[Finding]:
        """Say which keys are gone and should not be, and the other way round; count the rest."""
        for id_, (count, finding) in self._closed.items():
            if id_ in self._destroyed:
                self.shredded += count
            else:
                yield finding
        for id_, finding in self._destroyed.items():
            if self._key(id_) is not None:
                yield finding
