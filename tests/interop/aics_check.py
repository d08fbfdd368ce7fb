"""Checks a log with aics-tlog alone; run by the Python of an environment that has it.

    aics_check.py FOLDER VKEY [WITNESS_VKEY]

The checkpoint's signature and its cosignature; every tile and every bundle against the root; the
inclusion of the first, the middle and the last entry; consistency with each archived checkpoint.
"""

import json
import sys
from pathlib import Path

import aics_tlog as tlog


def main(folder: Path, vkey: str, *witnesses: str) -> None:
    key = tlog.parse_vkey(vkey)
    trusted = [tlog.parse_vkey(each) for each in witnesses]
    head = opened(folder / "checkpoint", key, trusted)
    reader = tlog.FileSystemTileReader(folder)
    audited = tlog.audit_tiles(reader, head.size, head.root)
    for index in {0, head.size // 2, head.size - 1}:
        proof = tlog.inclusion_proof_from_tiles(reader, index, head.size)
        entry = tlog.read_entry(reader, index, head.size)
        if not tlog.verify_leaf_inclusion(entry, index, head.size, proof, head.root):
            raise SystemExit(f"entry {index} is not included")
    archived = [opened(path, key, []) for path in (folder / "checkpoints").glob("*")]
    for old in archived:
        proof = tlog.consistency_proof_from_tiles(reader, old.size, head.size)
        if not tlog.verify_consistency(old.size, head.size, old.root, head.root, proof):
            raise SystemExit(f"the checkpoint of {old.size} is not consistent")
    said = {
        "size": head.size,
        "tiles": audited.tiles,
        "bundles": audited.bundles,
        "consistent": len(archived),
        "witnesses": head.witnesses,
    }
    print(json.dumps(said))


def opened(
    path: Path, key: tlog.VKey, witnesses: list[tlog.VKey]
) -> tlog.checkpoint.CheckpointVerifyResult:
    note = tlog.parse_note(path.read_bytes())
    found = tlog.verify_checkpoint(
        note, key, witnesses, len(witnesses), expected_origin=key.name, max_age_seconds=3_600
    )
    if not found.ok:
        raise SystemExit(f"{path}: {found.error}")
    return found


main(Path(sys.argv[1]), *sys.argv[2:])
