"""`glideslope audit erase`: what is left of a person anywhere, afterwards."""

import base64
import hashlib
import json
import shutil
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import pytest
from typer.testing import Result

Append = Callable[[int], object]
Run = Callable[..., Result]

SAID = b'{"question":"what Anna asked"}'
OF_ANNA = (SAID, b"what Anna asked", b"anna@example.com", b"conversation", b"ce_subject")
"""Value, what is in it, who, record key, and the name of a header: all of it is encrypted."""


def spelt(raw: bytes) -> Iterator[bytes]:
    """Yield bytes as they may stand in a file: as they are, in hex, in base64."""
    yield raw
    yield raw.hex().encode()
    yield raw.hex().upper().encode()
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        yield encode(raw).rstrip(b"=")


def traces(secret: bytes) -> Iterator[bytes]:
    """Yield a secret and its hashes, in each spelling."""
    hashes = (hashlib.md5, hashlib.sha1, hashlib.sha256, hashlib.sha512, hashlib.sha3_256)
    digests = [make(secret, usedforsecurity=False).digest() for make in hashes]
    digests += [hashlib.blake2b(secret, digest_size=size).digest() for size in (16, 32, 64)]
    digests += [hashlib.blake2s(secret).digest()]
    for raw in (secret, *digests):
        yield from spelt(raw)


def left_in(stored: dict[str, bytes]) -> set[tuple[str, bytes]]:
    """Return where something of Anna can be found."""
    needles = [needle for secret in OF_ANNA for needle in traces(secret)]
    return {(place, needle) for place, raw in stored.items() for needle in needles if needle in raw}


def files(folder: Path) -> dict[str, bytes]:
    """Return every file, and what is in each member of a zip file."""
    found: dict[str, bytes] = {}
    for path in folder.rglob("*"):
        if path.is_file():
            found[str(path)] = path.read_bytes()
            if path.suffix == ".zip":
                with zipfile.ZipFile(path) as bundle:
                    found |= {f"{path}/{name}": bundle.read(name) for name in bundle.namelist()}
    return found


def test_nothing_of_an_erased_person_is_left_in_log_local_state_keys_or_exports_made_after(
    append: Append, audit: Run, home: Path
) -> None:
    append(300)
    erased = audit("erase", "anna@example.com", "--tenant", "bank", "--reason", "she asked for it")
    assert erased.exit_code == 0, erased.output
    outputs = home / "outputs"
    outputs.mkdir()
    for arguments in (
        ("export", "-o", outputs / "entries.jsonl"),
        ("export", "-o", outputs / "entries.parquet"),
        ("export", "event-7", "-o", outputs / "bundle.zip"),
        ("verify", "--remember", outputs / "remembered.json"),
    ):
        done = audit(*arguments)
        assert done.exit_code == 0, done.output
    for words in (["show", "event-7"], ["verify"], ["reconcile"]):
        (outputs / f"{words[0]}.json").write_text(audit(*words, "--json").stdout)

    stored = files(home)

    names = {Path(place).name.partition("-")[0] for place in stored}
    assert names >= {"journal", "derived", "keys", "entries.parquet", "leaf.json"}
    assert left_in(stored) == set()
    # the entries and their proofs are all there
    assert json.loads((outputs / "verify.json").read_text())["logs"][0]["shredded"] == 300


def test_nothing_of_an_erased_person_is_left_in_any_version_in_a_bucket(
    bucket: str, append: Append, audit: Run, home: Path, aws: str
) -> None:
    append(3)
    assert (
        audit("erase", "anna@example.com", "--tenant", "bank", "--reason", "asked").exit_code == 0
    )

    client = boto3.client("s3", endpoint_url=aws)
    stored = {
        f"{each['Key']} {each['VersionId']}": client.get_object(
            Bucket=bucket, Key=each["Key"], VersionId=each["VersionId"]
        )["Body"].read()
        for each in client.list_object_versions(Bucket=bucket)["Versions"]
    }
    client.close()

    assert len(stored) > 8
    assert left_in(stored | files(home)) == set()


def test_a_copy_beside_the_logs_is_not_taken_for_one_to_write(
    append: Append, audit: Run, home: Path
) -> None:
    append(3)
    shutil.copytree(home / "audit/0", home / "audit/0.copy")
    erased = audit("erase", "anna@example.com", "--tenant", "bank", "--reason", "asked")
    assert erased.exit_code == 0, erased.output
    assert "logged in 1 logs" in erased.stdout


@pytest.mark.parametrize("secret", OF_ANNA)
def test_the_search_finds_what_is_there(secret: bytes) -> None:
    digest = base64.b64encode(hashlib.sha256(secret).digest())
    for raw in (secret, digest, hashlib.blake2b(secret, digest_size=16).digest()):
        assert left_in({"file": b"before " + raw + b" after"})
