"""What witnesses vouch for: the newest checkpoint that each cosigned, wherever it is to be had.

A witness is somebody else's process that follows the log (`glideslope audit witness`) and cosigns a
checkpoint only if the log it saw before is the beginning of this one (C2SP tlog-cosignature). So
whoever holds the log's signing key and makes the log anew does not get the new one cosigned, and
the old one stays with the witness.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from glideslope.audit.findings import Finding, Problem
from glideslope.audit.objects import MissingObjectError, Objects, UnreadableObjectError
from glideslope.audit.roots import Anchor
from services.audit.tlog.note import COSIGNATURE, Checkpoint, Note, NoteError, VerifierKey
from services.audit.tlog.paths import CHECKPOINT

_AHEAD_SECONDS: Final = 300
"""By how much a witness's clock may be ahead of the auditor's."""


@dataclass(frozen=True, slots=True)
class Cosigned:
    """A checkpoint with a cosignature, `at` seconds since 1970; `object` is where it stands."""

    size: int
    root: bytes
    at: int
    object: str


@dataclass(frozen=True, slots=True)
class Witnesses:
    """The witnesses that an auditor believes, and what they were given by them.

    `notes` are checkpoints that came from a witness itself, each with its place: a log may keep
    a cosignature back, the witness will not. With `max_age_seconds` the newest cosignature of each
    witness must not be older.
    """

    keys: tuple[VerifierKey, ...] = ()
    max_age_seconds: float | None = None
    notes: tuple[tuple[str, bytes], ...] = ()


@dataclass(slots=True)
class Vouched:
    """What came of it: the newest of each witness by name, every root, and what is wrong."""

    newest: dict[str, Cosigned] = field(default_factory=dict)
    anchors: list[Anchor] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def read_vouched(
    objects: Objects, published: Note | None, witnesses: Witnesses, newest: Checkpoint
) -> Vouched:
    """Read what the witnesses cosigned of the log whose newest checkpoint is `newest`."""
    vouched = Vouched()
    if not witnesses.keys:
        return vouched
    for place, raw in _notes(objects, published, witnesses, vouched.findings):
        try:
            _take(place, raw, witnesses.keys, newest, vouched)
        except NoteError as error:
            vouched.findings.append(Finding(Problem.SIGNATURE, place, str(error)))
    for key in witnesses.keys:
        vouched.findings += _judge(key, vouched.newest.get(key.name), witnesses.max_age_seconds)
    return vouched


def _notes(
    objects: Objects, published: Note | None, witnesses: Witnesses, findings: list[Finding]
) -> Iterator[tuple[str, bytes]]:
    if published is not None:
        yield CHECKPOINT, bytes(published)
    for name in objects.cosignatures():
        try:
            yield name, objects.read(name)
        except (MissingObjectError, UnreadableObjectError) as error:
            findings.append(Finding(Problem.UNREADABLE, name, str(error)))
    yield from witnesses.notes


def _take(
    place: str,
    raw: bytes,
    keys: Sequence[VerifierKey],
    newest: Checkpoint,
    vouched: Vouched,
) -> None:
    note = Note.parse(raw)
    known = {(key.name, key.id) for key in keys}
    if not any((line.name, line.key_id) in known for line in note.signatures):
        return  # of witnesses that the auditor does not know
    checkpoint = Checkpoint.parse(note.text)
    if checkpoint.origin != newest.origin:
        return  # of another log; a witness follows many
    for key, at in note.verify(keys):
        if key.algorithm != COSIGNATURE or at is None:
            continue
        cosigned = Cosigned(checkpoint.size, checkpoint.root, at, place)
        if checkpoint.size > newest.size:
            what = (
                f"it says {newest.size} entries, and witness {key.name} cosigned a checkpoint of "
                f"{checkpoint.size}"
            )
            vouched.findings.append(Finding(Problem.ROLLED_BACK, CHECKPOINT, what))
        else:
            vouched.anchors.append(Anchor(checkpoint.size, checkpoint.root, place, Problem.FORK))
        before = vouched.newest.get(key.name)
        if before is None or (before.size, before.at) < (cosigned.size, cosigned.at):
            vouched.newest[key.name] = cosigned


def _judge(
    key: VerifierKey, cosigned: Cosigned | None, max_age_seconds: float | None
) -> Iterator[Finding]:
    if cosigned is None:
        what = f"witness {key.name} has cosigned nothing that is here"
        yield Finding(Problem.UNWITNESSED, CHECKPOINT, what)
        return
    age = time.time() - cosigned.at
    if age < -_AHEAD_SECONDS:
        what = f"witness {key.name} cosigned it {-age:,.0f} s from now: compare the clocks"
        yield Finding(Problem.UNWITNESSED, cosigned.object, what)
    if max_age_seconds is not None and age > max_age_seconds:
        what = (
            f"witness {key.name} cosigned last {age:,.0f} s ago, with {cosigned.size} entries: "
            f"more than {max_age_seconds:,.0f} s. Ask the witness why"
        )
        yield Finding(Problem.UNWITNESSED, cosigned.object, what)
