"""The encrypted records that the entries refer to, and the packs that they lie in."""

from hashlib import sha256

from glideslope.audit.findings import Finding, Problem
from glideslope.audit.leaves import Said
from glideslope.audit.objects import MissingObjectError, Objects, UnreadableObjectError
from services.audit.tlog.paths import pack_path


class Packs:
    """Takes leaves of a log in order; `names` are those of the packs that belong to them.

    Where they do not begin with the log, `go_on_after` says what came before.

    A pack holds the records of the entries from the one that it is named after up to the next
    pack's, one after the other and nothing else. Entries that were passed over, as they are not
    what was logged, leave it unknown where their records end.
    """

    def __init__(self, objects: Objects) -> None:
        self.names: set[str] = set()
        self.findings: list[Finding] = []
        self.read = 0
        self._objects = objects
        self._name = ""
        self._first = -1
        self._raw: bytes | None = b""
        self._problem = Problem.MISSING
        self._what = ""
        self._end = 0
        self._next = 0

    def go_on_after(self, index: int, said: Said) -> None:
        """Begin after an entry that is checked elsewhere."""
        self._begin(said.pack)
        self._end, self._next = said.at + said.bytes, index + 1

    def record(self, index: int, said: Said) -> bytes | None:
        """Return an entry's encrypted record, None if there is something wrong with it."""
        if said.pack != self._first:
            self.end(index)
            self._begin(said.pack)
        passed_over = index != self._next
        at, self._end, self._next = self._end, said.at + said.bytes, index + 1
        raw = b"" if self._raw is None else self._raw[said.at : said.at + said.bytes]
        if not passed_over and (said.at, said.at == 0) != (at, said.pack == index):
            what = f"its record should be at byte {at}, and it says {said.at} of pack {said.pack}"
            self._find(Problem.LEAF, what, index, said)
        elif self._raw is None:
            self._find(self._problem, self._what, index, said)
        elif len(raw) < said.bytes:
            what = f"the pack is cut off: {len(raw)} bytes of {said.bytes} of the record are there"
            self._find(Problem.BLOB, what, index, said)
        elif sha256(raw).hexdigest() != said.sha256:
            what = "the record's SHA-256 is not the one that the entry says: it was changed"
            self._find(Problem.BLOB, what, index, said)
        else:
            self.read += 1
            return raw
        return None

    def end(self, index: int) -> None:
        """Take note that the newest pack ends before entry `index`."""
        if index == self._next and self._raw is not None and len(self._raw) > self._end:
            what = f"it goes on after its records, which end at byte {self._end}"
            self.findings.append(Finding(Problem.BLOB, self._name, what))

    def _begin(self, first: int) -> None:
        self._first, self._name, self._end = first, pack_path(first), 0
        self.names.add(self._name)
        self._raw = None
        try:
            self._raw = self._objects.read(self._name)
        except MissingObjectError:
            self._problem, self._what = Problem.MISSING, "the entry's encrypted record is not there"
        except UnreadableObjectError as error:
            self._problem, self._what = Problem.UNREADABLE, str(error)

    def _find(self, problem: Problem, what: str, index: int, said: Said) -> None:
        self.findings.append(Finding(problem, self._name, what, index, said.event_id))
