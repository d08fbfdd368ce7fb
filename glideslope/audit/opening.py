"""Whether the encrypted records open, and whether each missing key was logged as destroyed."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache

from glideslope.audit.findings import Finding, Problem
from glideslope.audit.leaves import Said
from services.audit.tlog.blob import BadBlobError, key_id, open_
from services.audit.tlog.keystore import KeyReader
from services.audit.tlog.leaf import KEY_EVENTS, SHREDDED, identity
from services.audit.tlog.paths import pack_path

_KEYS_AT_HAND = 4_096


@dataclass(slots=True)
class Opened:
    """What came of the encrypted records of some entries, in their order.

    `opened` counts those that were decrypted. By key: `destroyed` says where an entry tells that
    it was, `closed` how many records it would open and is not there for, and the first of them.
    """

    opened: int = 0
    destroyed: dict[str, Finding] = field(default_factory=dict)
    closed: dict[str, tuple[int, Finding]] = field(default_factory=dict)

    def add(self, later: "Opened") -> None:
        """Take in what came of the entries that follow."""
        self.opened += later.opened
        for id_, finding in later.destroyed.items():
            self.destroyed.setdefault(id_, finding)
        for id_, (count, first) in later.closed.items():
            before, earliest = self.closed.get(id_, (0, first))
            self.closed[id_] = before + count, earliest

    @property
    def shredded(self) -> int:
        """How many records nobody can decrypt because an entry says that their key is gone."""
        return sum(count for id_, (count, _) in self.closed.items() if id_ in self.destroyed)

    def findings(self, reader: KeyReader) -> Iterator[Finding]:
        """Say which keys are gone and should not be, and the other way round.

        Where none is there it is the wrong key store, rather than one that lost them: one finding.
        """
        gone = [finding for id_, (_, finding) in self.closed.items() if id_ not in self.destroyed]
        if gone and not self.opened:
            what = (
                "none of the keys that open its records is here: the keys of this log are "
                "elsewhere. Name their home folder with GLIDESLOPE_HOME, or look at the entries "
                "alone with --no-records"
            )
            yield replace(gone[0], what=what)
        else:
            yield from gone
        for id_, finding in self.destroyed.items():
            if reader.key(id_) is not None:
                yield finding


class Opening:
    """Opens the encrypted records of one log. The keys that come again and again stay at hand."""

    def __init__(self, reader: KeyReader, origin: str) -> None:
        self._key = lru_cache(maxsize=_KEYS_AT_HAND)(reader.key)
        self._origin = origin

    def check(self, index: int, said: Said, raw: bytes, come: Opened) -> str | None:
        """Open an entry's record and note what came of it; return what is wrong, if anything is."""
        name = pack_path(said.pack)
        if said.topic == KEY_EVENTS and said.type == SHREDDED and said.subject_key is not None:
            what = f"its key {said.subject_key} is still there, and the entry says it was destroyed"
            finding = Finding(Problem.KEY_LIVES, name, what, index, said.event_id)
            come.destroyed.setdefault(said.subject_key, finding)
        try:
            id_ = key_id(raw)
            key = self._key(id_)
            if key is not None:
                open_(raw, key, identity(self._origin, said.position))
                come.opened += 1
                return None
        except BadBlobError as error:
            return str(error)
        what = f"its key {id_} is not there, and no entry says that it was destroyed"
        first = Finding(Problem.KEY_GONE, name, what, index, said.event_id)
        count, first = come.closed.get(id_, (0, first))
        come.closed[id_] = count + 1, first
        return None
