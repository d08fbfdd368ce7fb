"""The public keys that a log published, each signed by the one before it.

`keys/<n>` is a signed note: the log's origin, `n`, and the verifier key. The first is signed with
itself, so it must be known from elsewhere.
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from glideslope.audit.findings import Finding, Problem
from glideslope.audit.objects import MissingObjectError, Objects, UnreadableObjectError
from services.audit.tlog.note import Note, NoteError, VerifierKey
from services.audit.tlog.paths import KEYS, key_path


@dataclass(slots=True)
class KeyChain:
    """The keys in order, as far as each is signed by the one before it."""

    keys: list[VerifierKey] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    findings: list[Finding] = field(default_factory=list)

    def trusted(
        self, given: Sequence[VerifierKey]
    ) -> tuple[tuple[VerifierKey, ...], tuple[VerifierKey, ...]]:
        """Return the keys to believe: for every checkpoint, and for archived ones alone.

        Whoever believes a key believes those that followed it. Those before it may have been
        given up because somebody stole them.
        """
        if not given:
            return tuple(self.keys), ()
        first = min(
            (place for place, key in enumerate(self.keys) if key in given), default=len(self.keys)
        )
        followed = [key for key in self.keys[first:] if key not in given]
        return (*given, *followed), tuple(self.keys[:first]) if first < len(self.keys) else ()


def read_keys(objects: Objects, names: AbstractSet[str]) -> KeyChain:
    """Read the keys among `names` as far as the chain holds."""
    chain = KeyChain()
    number = 0
    while (name := key_path(number)) in names:
        chain.names.add(name)
        try:
            chain.keys.append(_read(objects.read(name), number, chain.keys))
        except NoteError as error:
            what = f"it is no key that the one before it signed: {error}"
            chain.findings.append(Finding(Problem.KEY, name, what))
            break
        except (MissingObjectError, UnreadableObjectError) as error:
            chain.findings.append(Finding(Problem.UNREADABLE, name, str(error)))
            break
        number += 1
    later = {name for name in names if name.startswith(KEYS)} - chain.names
    for name in sorted(later):
        what = "the keys before it do not lead to it"
        chain.findings.append(Finding(Problem.KEY, name, what))
    chain.names |= later
    return chain


def probe_keys(objects: Objects) -> KeyChain:
    """Read the keys one after the other, where nothing lists what is there."""
    names: set[str] = set()
    while True:
        try:
            objects.read(key_path(len(names)))
        except MissingObjectError:
            return read_keys(objects, names)
        names.add(key_path(len(names)))


def _read(raw: bytes, number: int, before: Sequence[VerifierKey]) -> VerifierKey:
    note = Note.parse(raw)
    origin, _, rest = note.text.partition("\n")
    said, _, vkey = rest.partition("\n")
    key = VerifierKey.parse(vkey)
    note.verify([before[-1] if before else key])
    if key.name != origin or said != str(number) or f"{key}\n" != vkey or bytes(note) != raw:
        raise NoteError("it is not spelt as it should be")
    if key in before:
        raise NoteError("it stands there twice")
    return key
