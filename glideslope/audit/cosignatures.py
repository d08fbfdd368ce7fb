"""Where cosignatures are beside a log, and how the served checkpoint carries them.

A log does not wait for its witnesses, and its checkpoint is the writer's alone. So each witness
leaves the newest checkpoint that it cosigned in a file of its own, `cosignatures/<key id>`.
"""

from glideslope.audit.objects import (
    COSIGNATURES,
    MissingObjectError,
    Objects,
    UnreadableObjectError,
)
from services.audit.tlog.note import Note, NoteError, VerifierKey


def cosignature_path(witness: VerifierKey) -> str:
    """Return the name of the object in which a witness leaves what it cosigned."""
    return f"{COSIGNATURES}/{witness.id.hex()}"


def with_cosignatures(raw: bytes, objects: Objects) -> bytes:
    """Return a checkpoint with the cosignatures of it that witnesses left."""
    try:
        note = Note.parse(raw)
    except NoteError:
        return raw  # a reader finds that out
    signatures = list(note.signatures)
    for name in objects.cosignatures():
        try:
            left = Note.parse(objects.read(name))
        except (MissingObjectError, NoteError, UnreadableObjectError):
            continue  # the checkpoint is whole without it
        if left.text == note.text:
            signatures += [each for each in left.signatures if each not in signatures]
    return bytes(Note(note.text, tuple(signatures)))
