"""What every storage owes: in a folder, in memory, and in S3 (moto's server), also under faults."""

import asyncio
import os
import random
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import boto3
import pytest

from services.audit.adapters.folder import FolderStorage
from services.audit.adapters.keys import LocalKeys
from services.audit.adapters.memory import MemoryStorage
from services.audit.adapters.s3 import S3Storage
from services.audit.adapters.stores import Stores, open_keys, open_store
from services.audit.entry import Entry, Position
from services.audit.group import GroupLog
from services.audit.log import OtherWriterError, Store
from services.audit.settings import AuditSettings
from services.audit.tlog import reading
from services.audit.tlog.storage import ConflictError, Storage, StorageError, Stored
from tests.unit.services.audit.adapters.faulty_proxy import FaultyProxy

FAULTS = [
    "503 before",
    "503 after",
    "409 before",
    "cut before",
    "cut after",
]
"""What S3's clients meet: an answer of 503 or 409, or none, before or after it was carried out."""


@pytest.fixture(autouse=True)
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let clients not wait between their tries."""
    backoff = "botocore.retries.standard.ExponentialBackoff.delay_amount"
    monkeypatch.setattr(backoff, lambda *_: 0.0)


@pytest.fixture
def bucket(aws: str) -> str:
    name = f"log-{uuid4()}"
    client = boto3.client("s3", endpoint_url=aws)
    client.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
    client.close()
    return name


@pytest.fixture
def proxy(aws: str) -> Iterator[FaultyProxy]:
    with FaultyProxy(aws) as proxy:
        yield proxy


@pytest.fixture(params=["folder", "memory", "s3", *FAULTS])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Storage]:
    """Give an empty storage; in S3, also with a fault at every third request."""
    storage: Storage
    if request.param == "folder":
        storage = FolderStorage(tmp_path / "log")
    elif request.param == "memory":
        storage = MemoryStorage()
    elif request.param in FAULTS:
        proxy: FaultyProxy = request.getfixturevalue("proxy")
        proxy.every(3, request.param)
        storage = S3Storage(request.getfixturevalue("bucket"), endpoint_url=proxy.url)
    else:
        storage = S3Storage(
            request.getfixturevalue("bucket"),
            "audit/0",
            endpoint_url=request.getfixturevalue("aws"),
            retention_days=30,
        )
    yield storage
    storage.close()


def test_what_was_created_is_there_and_listed(storage: Storage) -> None:
    storage.create({"blobs/aa/x": b"1"}, {"tile/0/000": b"2", "tile/entries/000.p/1": b"3"})

    found = storage.get("tile/0/000")
    assert found is not None
    assert found.data == b"2"
    assert storage.get("tile/0/001") is None
    assert set(storage.list("tile/")) == {"tile/0/000", "tile/entries/000.p/1"}
    assert set(storage.list("keys/")) == set()


def test_an_object_may_be_created_again_only_as_it_is(storage: Storage) -> None:
    storage.create({"tile/0/000": b"1"})
    storage.create({"tile/0/000": b"1"})

    with pytest.raises(ConflictError):
        storage.create({"tile/0/000": b"2"})
    found = storage.get("tile/0/000")
    assert found is not None
    assert found.data == b"1"


def test_an_object_is_replaced_by_whoever_knows_it_and_nobody_else(storage: Storage) -> None:
    first = storage.replace("checkpoint", b"1", None)
    second = storage.replace("checkpoint", b"2", first)

    for known in (None, first):
        with pytest.raises(ConflictError):
            storage.replace("checkpoint", b"3", known)
    assert storage.get("checkpoint") == Stored(b"2", second)


def test_a_log_goes_on_in_any_storage(storage: Storage, keys: LocalKeys, tmp_path: Path) -> None:
    entries = [Entry(Position("c", "t", 0, i, i), None, (), b"%d" % i) for i in range(300)]
    store = open_store(tmp_path / "local", "test/0", keys, storage=storage)

    store.append(entries[:200])
    appended = store.append(entries[200:])

    assert appended[-1].receipt.size == 300
    assert [entry for _, entry in reading.read(storage.get, keys)] == entries
    store.close()


def test_objects_are_locked_in_compliance_mode_and_the_checkpoint_is_not(
    aws: str, bucket: str
) -> None:
    storage = S3Storage(bucket, endpoint_url=aws, retention_days=30)
    storage.create({"tile/0/000": b"1"})
    storage.replace("checkpoint", b"1", None)
    storage.close()

    client = boto3.client("s3", endpoint_url=aws)
    tile = client.head_object(Bucket=bucket, Key="tile/0/000")
    checkpoint = client.head_object(Bucket=bucket, Key="checkpoint")
    client.close()
    assert tile["ObjectLockMode"] == "COMPLIANCE"
    assert 29 <= (tile["ObjectLockRetainUntilDate"] - tile["LastModified"]).days <= 30
    assert "ObjectLockMode" not in checkpoint


def test_objects_are_encrypted_under_the_key_that_is_set(aws: str, bucket: str) -> None:
    storage = S3Storage(bucket, endpoint_url=aws, kms_key_id="alias/audit")
    storage.create({"tile/0/000": b"1"})
    storage.close()

    client = boto3.client("s3", endpoint_url=aws)
    tile = client.head_object(Bucket=bucket, Key="tile/0/000")
    client.close()
    assert (tile["ServerSideEncryption"], tile["SSEKMSKeyId"]) == ("aws:kms", "alias/audit")


def test_settings_put_a_log_into_a_bucket(aws: str, bucket: str, tmp_path: Path) -> None:
    settings = AuditSettings(
        home=tmp_path, deployment="d", audit_s3_bucket=bucket, audit_s3_endpoint=aws
    )
    entry = Entry(Position("c", "t", 3, 0, 0), None, (), b"value")
    logs = Stores(settings)
    store = logs.open(3)
    store.append([entry])
    store.close()
    logs.close()

    storage = S3Storage(bucket, "audit/3", endpoint_url=aws)
    with closing(open_keys(settings)) as keys:
        assert list(reading.read(storage.get, keys)) == [(0, entry)]
    storage.close()
    assert not settings.log_folder(3).joinpath("checkpoint").exists()


def test_a_bucket_that_is_not_there_is_an_error_that_names_it(aws: str) -> None:
    storage = S3Storage("no-such-bucket", endpoint_url=aws)

    with pytest.raises(StorageError, match="no-such-bucket"):
        storage.get("checkpoint")
    with pytest.raises(StorageError, match="no-such-bucket"):
        storage.create({"tile/0/000": b"1"})
    storage.close()


def test_a_read_that_is_cut_off_is_an_error_and_never_a_short_object(
    proxy: FaultyProxy, bucket: str
) -> None:
    storage = S3Storage(bucket, endpoint_url=proxy.url)
    storage.create({"tile/0/000": b"1" * 1000})
    proxy.every(1, "short read")

    with pytest.raises(StorageError, match="tile/0/000"):
        storage.get("tile/0/000")
    storage.close()


def test_a_bucket_that_stays_busy_is_out_of_order_and_no_other_writer(
    proxy: FaultyProxy, bucket: str
) -> None:
    storage = S3Storage(bucket, endpoint_url=proxy.url)
    proxy.every(1, "409 before")

    with pytest.raises(StorageError) as raised:
        storage.create({"tile/0/000": b"1"})
    assert not isinstance(raised.value, ConflictError)
    storage.close()


async def test_a_log_in_a_bucket_that_fails_again_and_again_loses_and_doubles_nothing(
    proxy: FaultyProxy, bucket: str, keys: LocalKeys, tmp_path: Path
) -> None:
    seed = random.randrange(2**32)
    proxy.at_random(0.2, [*FAULTS, "short read"], seed)

    def opened() -> Store:
        storage = S3Storage(bucket, endpoint_url=proxy.url)
        return open_store(tmp_path / "local", "test/0", keys, storage=storage)

    entries = [Entry(Position("c", "t", 0, i, i), None, (), b"%d" % i) for i in range(120)]
    log = await GroupLog(opened).open()
    for first in range(0, 120, 12):
        appends = (log.append(entry) for entry in entries[first : first + 12])
        appended = await asyncio.wait_for(asyncio.gather(*appends), 60)
        assert [a.receipt.index for a in appended] == list(range(first, first + 12)), seed
    await log.close()

    proxy.every(1, None)
    storage = S3Storage(bucket, endpoint_url=proxy.url)
    assert [entry for _, entry in reading.read(storage.get, keys)] == entries, seed
    storage.close()


TRIES = 100 if os.environ.get("GLIDESLOPE_CHAOS") == "full" else 15


@pytest.mark.parametrize("storage", ["folder", "memory", "s3"], indirect=True)
def test_of_two_writers_at_once_one_wins_each_time_and_the_other_loses_nothing(
    storage: Storage, request: pytest.FixtureRequest, keys: LocalKeys, tmp_path: Path
) -> None:
    def the_same() -> Storage:
        if isinstance(storage, FolderStorage):
            return FolderStorage(tmp_path / "log")
        if isinstance(storage, S3Storage):
            bucket, aws = map(request.getfixturevalue, ("bucket", "aws"))
            return S3Storage(bucket, "audit/0", endpoint_url=aws, retention_days=30)
        return storage

    def attempt(writer: int, number: int, start: threading.Barrier) -> bool:
        position = Position("c", f"t{writer}", 0, number, number)
        local = tmp_path / f"{writer}"
        with closing(open_store(local, "test/0", keys, storage=the_same())) as store:
            start.wait()
            try:
                store.append([Entry(position, None, (), b"%d" % writer)])
            except OtherWriterError as error:
                assert "Nothing is lost" in str(error)  # noqa: PT017 - the other one's may not be
                return False
            return True

    logged: list[tuple[int, int]] = []
    with ThreadPoolExecutor(2) as pool:
        for number in range(TRIES):
            start = threading.Barrier(2)
            won = list(pool.map(attempt, (0, 1), (number, number), (start, start)))
            assert sorted(won) == [False, True]
            logged.append((won.index(True), number))

    found = [entry.position for _, entry in reading.read(storage.get, keys)]
    assert [(int(p.topic[1:]), p.offset) for p in found] == logged
