"""A bundle of evidence: what the logs hold of one request, with proof, for another machine.

key.txt                                   the log's verifier key
check.py, ed25519.py                      how to check it with Python and nothing else
README.txt                                what is in it, and what it proves
entries/<index>/leaf.json                 the entry, byte for byte
entries/<index>/proof.tlog-proof          its index, inclusion proof and signed checkpoint
entries/<index>/blob                      the encrypted record that the entry names
entries/<index>/record.json               the record in the clear, where it could be decrypted
releases/<sha256>.json                    the manifest that the request was pinned to
"""

import json
import zipfile
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Final

import rfc8785

from glideslope.audit.history import Found, record_data
from glideslope.audit.objects import Objects
from glideslope.audit.proof import prove
from services.audit.tlog.merkle import ProofError
from services.audit.tlog.note import Checkpoint, Note, SignatureError, VerifierKey
from services.audit.tlog.paths import CHECKPOINT
from shared.release import Release

_TIME: Final = (1980, 1, 1, 0, 0, 0)
"""Of each file, so that the same evidence makes the same bundle."""

_README: Final = """\
Evidence of request {request} from the audit log {origin}

Check it with Python and nothing else:

    python3 check.py [KEY]

KEY is the log's verifier key as you know it from elsewhere; without it the one in key.txt is
believed, and the check shows no more than that everything belongs together.

It shows that each entry below entries/ is in the tree of {size} entries that the log signed. The
proofs are in the C2SP tlog-proof format, so that other tools can check them too.

leaf.json names the SHA-256 of the encrypted record: `sha256sum entries/*/blob` compares. In
record.json is what was decrypted from it with the log's keys when this bundle was made; who has to
prove that as well shows it on a machine that has the keys. Where there is no record.json, the
person's data was erased.
{release}"""


class NoEvidenceError(Exception):
    """A bundle cannot be made; its message says what to do."""


def write_bundle(  # noqa: PLR0913, PLR0917 - what a bundle is made of
    path: Path,
    objects: Objects,
    request: str,
    found: Sequence[Found],
    keys: Sequence[VerifierKey],
    releases: Mapping[str, Release],
) -> None:
    """Write the bundle. All entries must be of one log, whose objects and `keys` are known.

    Raises `NoEvidenceError`.
    """
    note = Note.parse(objects.read(CHECKPOINT))
    checkpoint = Checkpoint.parse(note.text)
    files: dict[str, bytes] = {}
    try:
        key = note.verify(keys)[0][0]
        for each in found:
            folder = f"entries/{each.index}"
            files[f"{folder}/leaf.json"] = each.raw
            proof = prove(objects, note, each.index, each.raw)
            files[f"{folder}/proof.tlog-proof"] = proof.encode()
            files[f"{folder}/blob"] = each.sealed
            if each.entry is not None:
                record = json.dumps(record_data(each.entry), ensure_ascii=False, indent=2)
                files[f"{folder}/record.json"] = f"{record}\n".encode()
    except (LookupError, ProofError, SignatureError) as error:
        raise NoEvidenceError(
            f"the log in {found[0].log} does not prove what it holds: {error!r}. Run `glideslope "
            "audit verify`"
        ) from error
    for name, release in releases.items():
        files[f"releases/{name}.json"] = rfc8785.dumps(release.model_dump(mode="json"))
    files["key.txt"] = f"{key}\n".encode()
    files["README.txt"] = _README.format(
        request=request,
        origin=checkpoint.origin,
        size=checkpoint.size,
        release="\nA manifest below releases/ is named by its SHA-256.\n" if releases else "",
    ).encode()
    for script in ("check.py", "ed25519.py"):
        files[script] = (resources.files("glideslope.audit.bundle") / script).read_bytes()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name in sorted(files):
            bundle.writestr(zipfile.ZipInfo(name, _TIME), files[name])
