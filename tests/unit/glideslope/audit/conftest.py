"""Logs to check, made by the writer's pure modules, one checkpoint for each batch."""

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from services.audit.entry import Position
from services.audit.tlog import blob, merkle, paths
from services.audit.tlog.leaf import Blob, Leaf, identity
from services.audit.tlog.note import Checkpoint, Note, SignerKey

ORIGIN = "glideslope/0"
BuildLog = Callable[..., Path]


def build(
    folder: Path,
    sizes: Iterable[int],
    signer: SignerKey,
    *,
    words: str = "said",
    blobs: bool = True,
) -> Path:
    """Make the log that has had these sizes. `words` stand in every record."""
    leaves: list[bytes] = []
    hashes: list[bytes] = []
    key = blob.Key.generate()
    for size in sizes:
        before = len(leaves)
        pack = b""
        for index in range(before, size):
            record = sealed(index, key, words)
            leaf = entry(index, key, record, before, len(pack)) if blobs else bare(index)
            pack += record
            leaves.append(leaf)
            hashes.append(merkle.leaf_hash(leaf))
        if blobs:
            write(folder, paths.pack_path(before), pack)
        for tile in paths.bundles(size, before):
            start = tile.index * paths.TILE_WIDTH
            write(folder, tile.path, paths.bundle(leaves[start : start + tile.width]))
        for tile in paths.tiles(size, before):
            write(folder, tile.path, tile_bytes(tile, hashes))
        checkpoint = Checkpoint(ORIGIN, size, merkle.root(hashes[:size]))
        write(folder, paths.checkpoint_path(size), bytes(checkpoint.signed(signer)))
        write(folder, paths.CHECKPOINT, bytes(checkpoint.signed(signer)))
    text = f"{ORIGIN}\n0\n{signer.verifier()}\n"
    write(folder, paths.key_path(0), bytes(Note(text, (signer.sign(text),))))
    return folder


def place(index: int) -> Position:
    return Position("a-cluster", "requests", 0, 2 * index, 1_760_000_000_000 + index)


def sealed(index: int, key: blob.Key, words: str) -> bytes:
    content = blob.Content(b"conversation", (("ce_id", str(index).encode()),), words.encode())
    return blob.seal(content, key, identity(ORIGIN, place(index)))


def entry(index: int, key: blob.Key, record: bytes, pack: int, at: int) -> bytes:
    return Leaf(
        position=place(index),
        previous=2 * (index - 1) if index else None,
        event_id=f"event-{index}",
        type="glideslope.request.submitted.v1",
        tenant="default",
        release=None,
        decides=None,
        subject_key=key.id,
        blob=Blob(hashlib.sha256(record).hexdigest(), len(record), pack, at),
    ).encode()


def bare(index: int) -> bytes:
    return f"entry {index}".encode()


def tile_bytes(tile: paths.Tile, hashes: list[bytes]) -> bytes:
    covers = 256 ** (tile.level or 0)
    first = tile.index * paths.TILE_WIDTH
    return b"".join(
        merkle.root(hashes[place * covers : (place + 1) * covers])
        for place in range(first, first + tile.width)
    )


def write(folder: Path, name: str, data: bytes) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


@pytest.fixture
def signer() -> SignerKey:
    return SignerKey.generate(ORIGIN)


@pytest.fixture
def build_log(tmp_path: Path, signer: SignerKey) -> BuildLog:
    def make(*sizes: int, name: str = "log", **options: object) -> Path:
        return build(tmp_path / name, sizes, signer, **options)  # type: ignore[arg-type] # build checks

    return make
