"""Logs in a bucket with Object Lock (moto's server): what its versions, markers and locks tell.

moto lets a lock in compliance mode be shortened, which S3 does not; nothing here rests on that.
"""

import os
import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3
import pytest

from glideslope.audit.bucket import BucketObjects
from glideslope.audit.findings import Problem, Verdict
from glideslope.audit.objects import FolderObjects
from glideslope.audit.places import Bucket, NoLogError, find_logs
from glideslope.audit.verification import Report, Verification
from services.audit.adapters.s3 import S3Storage
from services.audit.settings import AuditSettings
from services.audit.tlog import paths
from services.audit.tlog.note import SignerKey
from tests.unit.glideslope.audit.test_slices import elsewhere

ENTRIES = int(os.environ.get("GLIDESLOPE_TEST_TAMPER_ENTRIES", "300"))
"""`make tamper` sets it to 10000, which takes some minutes."""
SIZES = (1, 3, 200, 256, ENTRIES - 20, ENTRIES)
DAYS = 30
PREFIX = "audit/0"
OF_A_KIND = 2


class LockedLog:
    """A log in a bucket of its own, with what can be done to it behind audit's back."""

    def __init__(self, endpoint: str, folder: Path, *, days: int | None, without: str = "") -> None:
        self.endpoint = endpoint
        self.bucket = f"log-{uuid4()}"
        self.s3: Any = boto3.client("s3", endpoint_url=endpoint)
        self.s3.create_bucket(Bucket=self.bucket, ObjectLockEnabledForBucket=True)
        storage = S3Storage(self.bucket, PREFIX, endpoint_url=endpoint, retention_days=days)
        names = [name for name in FolderObjects(folder).names() if name != without]
        storage.create({name: (folder / name).read_bytes() for name in names})
        version = None
        archived = sorted(int(path.name) for path in (folder / "checkpoints").iterdir())
        for size in archived:
            raw = (folder / paths.checkpoint_path(size)).read_bytes()
            version = storage.replace(paths.CHECKPOINT, raw, version)
        storage.close()
        self.names = [*names, paths.CHECKPOINT]

    def key(self, name: str) -> str:
        return f"{PREFIX}/{name}"

    def get(self, name: str) -> bytes:
        raw: bytes = self.s3.get_object(Bucket=self.bucket, Key=self.key(name))["Body"].read()
        return raw

    def put(self, name: str, data: bytes, **options: Any) -> str:
        put = self.s3.put_object(Bucket=self.bucket, Key=self.key(name), Body=data, **options)
        return str(put["VersionId"])

    def mark_deleted(self, name: str) -> str:
        done = self.s3.delete_object(Bucket=self.bucket, Key=self.key(name))
        return str(done["VersionId"])

    def undo(self, name: str, version: str) -> None:
        """Take a version or a marker away again, as if it had never been."""
        self.s3.delete_object(
            Bucket=self.bucket,
            Key=self.key(name),
            VersionId=version,
        )

    def objects(self, **options: Any) -> BucketObjects:
        return BucketObjects(self.bucket, PREFIX, endpoint_url=self.endpoint, **options)

    def check(self, signer: SignerKey, *, records: bool = True, **options: Any) -> Report:
        objects = self.objects(**options)
        try:
            return Verification(objects, keys=[signer.verifier()], records=records).run()
        finally:
            objects.close()


@pytest.fixture
def small(aws: str, build_log: Callable[..., Path]) -> Iterator[LockedLog]:
    log = LockedLog(aws, build_log(1, 2, 3), days=DAYS)
    yield log
    log.s3.close()


@pytest.fixture
def log(aws: str, build_log: Callable[..., Path]) -> Iterator[LockedLog]:
    log = LockedLog(aws, build_log(*SIZES), days=DAYS)
    yield log
    log.s3.close()


def kind(name: str) -> str:
    if ".p/" in name:
        return name.split(".p/", maxsplit=1)[0].rpartition("/")[0] + ".p"
    return name.rpartition("/")[0] if name.startswith("tile") else name.partition("/")[0]


def test_an_untouched_log_is_intact_and_all_its_checkpoints_were_checked(
    log: LockedLog, signer: SignerKey
) -> None:
    report = log.check(signer, retention_days=DAYS)

    assert report.verdict is Verdict.INTACT, report.findings
    assert (report.entries, report.blobs) == (ENTRIES, ENTRIES)
    # each is archived, and each but the newest is a version of the published one too
    assert report.checkpoints == 2 * len(SIZES) - 1


Change = Callable[[bytes, random.Random], bytes]


def flip(data: bytes, rng: random.Random) -> bytes:
    changed = bytearray(data)
    changed[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def cut(data: bytes, rng: random.Random) -> bytes:
    return data[: rng.randrange(len(data))]


def put_again(data: bytes, rng: random.Random) -> bytes:
    del rng
    return data


@pytest.fixture
def rng() -> random.Random:
    seed = random.randrange(2**32)
    print("seed", seed)
    return random.Random(seed)


def targets(log: LockedLog, rng: random.Random, of_a_kind: int = OF_A_KIND) -> Iterator[str]:
    for each in sorted({kind(name) for name in log.names}):
        of_kind = [name for name in log.names if kind(name) == each]
        yield from rng.sample(of_kind, min(of_a_kind, len(of_kind)))


@pytest.mark.timeout(900)
def test_any_object_that_is_overwritten_is_named_with_the_version_that_was_logged(
    log: LockedLog, signer: SignerKey, rng: random.Random
) -> None:
    put: set[tuple[str, str]] = set()
    for name in targets(log, rng):
        if name == paths.CHECKPOINT:
            continue  # may be replaced, and by what, others see
        others = [each for each in log.names if kind(each) == kind(name) and each != name]
        written = log.get(name)
        contents = [change(written, rng) for change in (flip, cut, put_again)]
        contents += [log.get(rng.choice(others))] if others else []
        put |= {(name, log.put(name, content)) for content in contents}

    report = log.check(signer)

    assert report.verdict is Verdict.TAMPERED
    assert report.entries == ENTRIES  # the log itself is still as it was
    assert {finding.problem for finding in report.findings} == {Problem.OVERWRITTEN}
    assert len(report.findings) == len(put)
    for name, version in put:
        assert any(f.object == name and version in f.what for f in report.findings), name


@pytest.mark.timeout(900)
def test_any_object_under_a_delete_marker_is_named(
    log: LockedLog, signer: SignerKey, rng: random.Random
) -> None:
    markers = {name: log.mark_deleted(name) for name in targets(log, rng)}

    report = log.check(signer)

    assert report.verdict is Verdict.TAMPERED
    assert report.entries == ENTRIES
    assert {finding.problem for finding in report.findings} == {Problem.DELETED}
    assert {finding.object for finding in report.findings} == set(markers)
    for finding in report.findings:
        assert markers[finding.object] in finding.what


@pytest.mark.timeout(900)
def test_any_object_that_is_gone_with_its_versions_is_named(
    aws: str, build_log: Callable[..., Path], signer: SignerKey, rng: random.Random
) -> None:
    """As it can be after the retention, or where there was none."""
    log = LockedLog(aws, build_log(*SIZES), days=None)
    for name in targets(log, rng, of_a_kind=1):
        versions = log.s3.list_object_versions(Bucket=log.bucket, Prefix=log.key(name))
        mine = [each for each in versions["Versions"] if each["Key"] == log.key(name)]
        if paths.CHECKPOINTS in name or outgrown(name):
            continue  # nothing else says that it was there: see what --remember is for
        written = log.get(name)
        for each in mine:
            log.undo(name, each["VersionId"])
        report = log.check(signer, records=name.startswith("blobs/"))
        assert report.verdict in {Verdict.INCOMPLETE, Verdict.TAMPERED}, name
        places = {name, "keys/"} if name.startswith("keys/") else {name}
        assert places & {finding.object for finding in report.findings}, report.findings
        log.put(name, written)
    log.s3.close()


def outgrown(name: str) -> bool:
    if ".p/" not in name:
        return False
    tile = paths.Tile.of(name)
    return tile.index < (ENTRIES >> 8 * (tile.level or 0)) // 256


def test_an_object_that_was_added_is_an_orphan(small: LockedLog, signer: SignerKey) -> None:
    small.put("tile/0/777", small.get("tile/0/000.p/3"))
    small.put("notes.txt", b"mine")

    report = small.check(signer)

    assert {(f.problem, f.object) for f in report.findings} == {
        (Problem.ORPHAN, "tile/0/777"),
        (Problem.ORPHAN, "notes.txt"),
    }


def test_a_checkpoint_that_was_set_back_is_found_by_its_versions(
    small: LockedLog, signer: SignerKey
) -> None:
    newest = small.get(paths.CHECKPOINT)
    small.put(paths.CHECKPOINT, small.get(paths.checkpoint_path(1)))
    report = small.check(signer, records=False)
    assert (Problem.ROLLED_BACK, paths.CHECKPOINT) in {
        (finding.problem, finding.object) for finding in report.findings
    }

    version = small.put(paths.CHECKPOINT, newest)  # as if nothing had been
    small.put(paths.CHECKPOINT, newest)
    report = small.check(signer, records=False)
    assert report.verdict is Verdict.TAMPERED
    [finding] = report.findings
    assert finding.problem is Problem.ROLLED_BACK
    assert "checkpoint?versionId=" in finding.object
    assert version not in finding.object


def test_a_checkpoint_that_another_key_signed_is_found_among_the_versions(
    small: LockedLog, signer: SignerKey
) -> None:
    newest = small.get(paths.CHECKPOINT)
    version = small.put(paths.CHECKPOINT, newest.replace(b"glideslope/0\n", b"glideslope/9\n", 1))
    small.put(paths.CHECKPOINT, newest)

    [finding] = small.check(signer, records=False).findings

    assert finding.problem is Problem.SIGNATURE
    assert finding.object == f"checkpoint?versionId={version}"


def later(days: float) -> datetime:
    return datetime.now(UTC) + timedelta(days=days)


@pytest.mark.parametrize(
    ("lock", "said"),
    [
        ({}, "not locked"),
        (
            {"ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": later(DAYS)},
            "GOVERNANCE only",
        ),
        (
            {"ObjectLockMode": "COMPLIANCE", "ObjectLockRetainUntilDate": later(DAYS - 2)},
            "its lock ends",
        ),
    ],
)
def test_an_object_that_is_not_locked_as_long_as_it_must_be_is_named(
    aws: str, build_log: Callable[..., Path], signer: SignerKey, lock: dict[str, Any], said: str
) -> None:
    name = "tile/entries/000.p/3"
    folder = build_log(1, 2, 3)
    log = LockedLog(aws, folder, days=DAYS, without=name)
    log.put(name, (folder / name).read_bytes(), **lock)

    report = log.check(signer, records=False, retention_days=DAYS)
    log.s3.close()

    [finding] = report.findings
    assert (finding.problem, finding.object) == (Problem.UNLOCKED, name)
    assert said in finding.what
    assert report.verdict is Verdict.INCOMPLETE


def test_a_log_that_is_checked_in_another_process_gets_the_same_report(
    log: LockedLog, signer: SignerKey
) -> None:
    log.put("tile/entries/000", b"another version")
    log.mark_deleted("blobs/000")
    reports = []
    for spread in (None, elsewhere):
        objects = log.objects(retention_days=DAYS + 1)
        reports.append(Verification(objects, keys=[signer.verifier()], spread=spread).run())
        objects.close()
    here, there = reports
    assert Problem.UNLOCKED in {finding.problem for finding in here.findings}
    assert there.findings == here.findings


def test_a_bucket_without_object_lock_is_named_where_a_retention_is_set(
    small: LockedLog, signer: SignerKey
) -> None:
    plain = f"plain-{uuid4()}"
    small.s3.create_bucket(Bucket=plain)
    for name in small.names:
        small.s3.put_object(Bucket=plain, Key=small.key(name), Body=small.get(name))
    small.bucket = plain

    report = small.check(signer, records=False)
    assert report.verdict is Verdict.INTACT
    [remark] = report.remarks
    assert "whoever may delete there can delete the log" in remark
    [finding] = small.check(signer, records=False, retention_days=DAYS).findings
    assert finding.problem is Problem.UNLOCKED
    assert "no Object Lock" in finding.what


def test_logs_are_found_below_a_prefix_or_at_it(small: LockedLog, tmp_path: Path) -> None:
    settings = AuditSettings(home=tmp_path, audit_s3_endpoint=small.endpoint)
    found = [Bucket(small.bucket, PREFIX, small.endpoint)]

    assert find_logs(f"s3://{small.bucket}/audit", settings) == found
    assert find_logs(f"s3://{small.bucket}/{PREFIX}/", settings) == found
    by_settings = settings.model_copy(update={"audit_s3_bucket": small.bucket})
    assert find_logs(None, by_settings) == found
    with pytest.raises(NoLogError, match="holds no log"):
        find_logs(f"s3://{small.bucket}/elsewhere", settings)


def test_a_log_whose_checkpoint_is_hidden_is_still_found(small: LockedLog, tmp_path: Path) -> None:
    settings = AuditSettings(home=tmp_path, audit_s3_endpoint=small.endpoint)
    for name in small.names:
        small.mark_deleted(name)

    assert [each.name for each in find_logs(f"s3://{small.bucket}/audit", settings)] == ["0"]
