"""The signed checkpoints of a log: whose they are, and that they were signed."""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from glideslope.audit.findings import Finding, Problem
from glideslope.audit.keys import read_keys
from glideslope.audit.objects import MissingObjectError, Objects, UnreadableObjectError
from glideslope.audit.roots import Anchor
from services.audit.tlog.note import Checkpoint, Note, NoteError, VerifierKey
from services.audit.tlog.paths import CHECKPOINT, CHECKPOINTS, KEYS, checkpoint_path


@dataclass(slots=True)
class Checkpoints:
    """What was read; `newest` is the one that the log stands on, None where none is valid.

    `archived` are those of before, in their folder or as versions of the published one.
    """

    newest: Checkpoint | None = None
    note: Note | None = None
    valid: list[Anchor] = field(default_factory=list)
    archived: list[Anchor] = field(default_factory=list)
    keys: tuple[VerifierKey, ...] = ()
    former: tuple[VerifierKey, ...] = ()
    findings: list[Finding] = field(default_factory=list)
    expected: set[str] = field(default_factory=set)


def read_checkpoints(
    objects: Objects, names: AbstractSet[str], pinned: Sequence[VerifierKey]
) -> Checkpoints:
    """Read the published checkpoint, its earlier versions, and the archived ones.

    `pinned` are the keys of the log that the auditor was given. Without one the first that lies in
    the log is believed.
    """
    read = Checkpoints()
    chain = read_keys(objects, names)
    read.findings += chain.findings
    read.expected |= chain.names
    read.keys, read.former = chain.trusted(pinned)
    if not read.keys:
        what = "no key to check signatures with: give the log's verifier key with --key"
        read.findings.append(Finding(Problem.NO_KEY, "keys/", what))
        return read
    if not set(chain.keys) & set(read.keys):
        what = "none of the log's published keys is the one that was given"
        read.findings.append(Finding(Problem.MISSING, KEYS, what))
    published = _read(objects, CHECKPOINT, read)
    archived = _archived(objects, names, read)
    versions = _versions(objects, read)
    if published is not None:
        read.note, read.newest = published
        read.valid.append(Anchor(read.newest.size, read.newest.root, CHECKPOINT))
        _compare(read.newest, {**archived, **versions}, read.findings)
    for name, checkpoint in {**archived, **versions}.items():
        read.archived.append(Anchor(checkpoint.size, checkpoint.root, name))
        if read.newest is None or checkpoint.size > read.newest.size:
            read.newest = checkpoint
    read.valid += read.archived
    return read


def claimed_origin(objects: Objects) -> str:
    """Return the origin that the log says it is of, checked by nothing; empty where none is."""
    try:
        return objects.read(CHECKPOINT).partition(b"\n")[0].decode(errors="replace")
    except (MissingObjectError, UnreadableObjectError):
        return ""


def _archived(objects: Objects, names: Iterable[str], read: Checkpoints) -> dict[str, Checkpoint]:
    found: dict[int, tuple[str, Checkpoint]] = {}
    for name in sorted(names):
        size = name.removeprefix(CHECKPOINTS)
        if not name.startswith(CHECKPOINTS) or not (size.isascii() and size.isdecimal()):
            continue
        if checkpoint_path(int(size)) != name:
            continue  # no name of a checkpoint: it will be an orphan
        one = _read(objects, name, read)
        if one is None:
            continue
        checkpoint = one[1]
        if checkpoint.size != int(size):
            what = f"it is the checkpoint of size {checkpoint.size}"
            read.findings.append(Finding(Problem.CHECKPOINT, name, what))
        else:
            found[checkpoint.size] = (name, checkpoint)
    return {name: checkpoint for _, (name, checkpoint) in sorted(found.items())}


def _versions(objects: Objects, read: Checkpoints) -> dict[str, Checkpoint]:
    """Read what the published checkpoint was before, as far as the storage keeps it."""
    found: dict[str, Checkpoint] = {}
    before: Checkpoint | None = None
    for name, raw in objects.versions(CHECKPOINT):
        one = _checked(raw, name, read)
        if one is None:
            continue
        _, checkpoint = one
        if before is not None and checkpoint.size < before.size:
            what = f"it says {checkpoint.size} entries, and the version before said {before.size}"
            read.findings.append(Finding(Problem.ROLLED_BACK, name, what))
        before = found[name] = checkpoint
    return found


def _read(objects: Objects, name: str, read: Checkpoints) -> tuple[Note, Checkpoint] | None:
    read.expected.add(name)
    try:
        return _checked(objects.read(name), name, read)
    except MissingObjectError:
        read.findings.append(Finding(Problem.MISSING, name, "the log has no checkpoint"))
    except UnreadableObjectError as error:
        read.findings.append(Finding(Problem.UNREADABLE, name, str(error)))
    return None


def _checked(raw: bytes, name: str, read: Checkpoints) -> tuple[Note, Checkpoint] | None:
    """Return what a key of the log signed; of keys before the pinned one not the published."""
    former = () if name == CHECKPOINT else read.former
    try:
        note = Note.parse(raw)
        checkpoint = Checkpoint.parse(note.text)
        signers = note.verify((*read.keys, *former))
    except NoteError as error:
        read.findings.append(Finding(Problem.SIGNATURE, name, str(error)))
        return None
    if bytes(note) != raw or {key.name for key, _ in signers} != {checkpoint.origin}:
        what = "the log's key did not sign it as it stands there"
        read.findings.append(Finding(Problem.SIGNATURE, name, what))
        return None
    return note, checkpoint


def _compare(
    published: Checkpoint, archived: Mapping[str, Checkpoint], findings: list[Finding]
) -> None:
    """See that the published checkpoint is the newest there is."""
    newer = [each.size for each in archived.values() if each.size > published.size]
    if newer:
        what = (
            f"it says {published.size} entries, and a checkpoint of {max(newer)} was signed: "
            "it was set back"
        )
        findings.append(Finding(Problem.ROLLED_BACK, CHECKPOINT, what))
    for name, each in archived.items():
        if each.size == published.size and each.root != published.root:
            what = f"it and {name} have different roots"
            findings.append(Finding(Problem.FORK, CHECKPOINT, what))
