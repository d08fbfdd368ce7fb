"""A witness: cosigns a checkpoint if the one that it cosigned before is the beginning of it.

C2SP tlog-witness and tlog-cosignature, with the difference that it fetches what it checks: a log
needs to know nothing of who watches it.

RefusedError
├── RolledBackError     the log is shorter than it was
├── ForkedError         the log is not the continuation of what it was
└── UnsignedError       the checkpoint is not signed by the log's key
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from glideslope.audit.keys import probe_keys
from glideslope.audit.objects import Objects
from glideslope.audit.proof import TileNodes
from glideslope.audit.witness_state import Known, WitnessState
from services.audit.tlog.merkle import (
    ProofError,
    check_consistency,
    consistency_proof,
    tree_hash,
)
from services.audit.tlog.note import (
    COSIGNATURE,
    Checkpoint,
    Note,
    NoteError,
    SignerKey,
    VerifierKey,
)
from services.audit.tlog.paths import CHECKPOINT


class RefusedError(Exception):
    """The witness does not cosign; the message says why, and what to do."""


class RolledBackError(RefusedError):
    """The log is shorter than it was."""


class ForkedError(RefusedError):
    """The log is not the continuation of what it was."""


class UnsignedError(RefusedError):
    """The checkpoint is not signed by the log's key, or the log is an unknown one."""


@dataclass(frozen=True, slots=True)
class Cosigning:
    """What was cosigned: the checkpoint with the cosignature, and the size of the one before."""

    checkpoint: Checkpoint
    note: Note
    before: int | None


class Witness:
    """Cosigns with `signer` what its `state` lets it; several processes may share the state.

    `keys` are those of the logs that it may follow, beside the ones that it knows from before.
    """

    def __init__(
        self, signer: SignerKey, state: WitnessState, keys: Sequence[VerifierKey] = ()
    ) -> None:
        self._signer = signer
        self._state = state
        self._keys = keys

    @property
    def verifier(self) -> VerifierKey:
        """The key that its cosignatures are checked with."""
        return self._signer.verifier(COSIGNATURE)

    def cosign(self, objects: Objects) -> Cosigning:
        """Check the log's newest checkpoint and cosign it.

        Raises `RefusedError`, and what reading the log raises: then nothing is cosigned.
        """
        raw = objects.read(CHECKPOINT)
        try:
            note = Note.parse(raw)
            checkpoint = Checkpoint.parse(note.text)
        except NoteError as error:
            raise UnsignedError(f"{objects.place}: its checkpoint is none: {error}") from error
        with self._state.locked():
            known = self._state.load(checkpoint.origin)
            keys = self._trusted(objects, checkpoint, note, known)
            self._check(objects, checkpoint, note, known)
            # a clock that went back must not make the cosignature older than the one before
            at = max(int(time.time()), 0 if known is None else known.at)
            signed = [each for each in note.signatures if each.name == checkpoint.origin]
            cosigned = Note(note.text, (*signed, self._signer.cosign(note.text, at)))
            self._state.save(checkpoint.origin, Known(cosigned, at, tuple(keys)))
        return Cosigning(checkpoint, cosigned, None if known is None else known.checkpoint.size)

    def _trusted(
        self, objects: Objects, checkpoint: Checkpoint, note: Note, known: Known | None
    ) -> Sequence[VerifierKey]:
        """Return the log's keys, the newer ones too, after checking that one signed the note."""
        given = [key for key in self._keys if key.name == checkpoint.origin]
        given += [] if known is None else [key for key in known.keys if key not in given]
        if not given:
            raise UnsignedError(
                f"{objects.place} is the log {checkpoint.origin}, of which this witness knows no "
                "key: give the log's verifier key with --key"
            )
        keys, _ = probe_keys(objects).trusted(given)
        try:
            note.verify(keys)
        except NoteError as error:
            raise UnsignedError(f"{objects.place}: {error}") from error
        return keys

    def _check(
        self, objects: Objects, checkpoint: Checkpoint, note: Note, known: Known | None
    ) -> None:
        nodes = TileNodes(objects, checkpoint.size)
        if known is None:
            if tree_hash(checkpoint.size, nodes) != checkpoint.root:
                raise ForkedError(f"{objects.place}: its tiles do not lead to its signed root")
            return
        before = known.checkpoint
        if checkpoint.size < before.size:
            kept = self._state.keep_refused(known.note, note)
            raise RolledBackError(
                f"{objects.place} was set back: it has {checkpoint.size} entries, and this witness "
                f"cosigned {before.size}. Both checkpoints are in {kept}"
            )
        try:
            proof = consistency_proof(before.size, checkpoint.size, nodes)
            check_consistency(before.size, checkpoint.size, before.root, checkpoint.root, proof)
        except ProofError as error:
            kept = self._state.keep_refused(known.note, note)
            raise ForkedError(
                f"{objects.place} does not continue what this witness cosigned ({error}): the log "
                "was made anew by somebody who has its signing key, or its tiles are damaged "
                f"(`audit verify` tells). Both checkpoints are in {kept}"
            ) from error
