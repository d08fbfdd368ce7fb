"""What every storage owes, in a folder and in S3 (moto's server)."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import boto3
import pytest
from moto.server import ThreadedMotoServer

from services.audit.adapters.folder import FolderStorage
from services.audit.adapters.keys import LocalKeys
from services.audit.adapters.s3 import S3Storage
from services.audit.adapters.stores import Stores, open_keys, open_store
from services.audit.entry import Entry, Position
from services.audit.settings import AuditSettings
from services.audit.tlog import reading
from services.audit.tlog.storage import ConflictError, Storage, StorageError, Stored


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_ACCESS_KEY_ID", "test")
        environment.setenv("AWS_SECRET_ACCESS_KEY", "test")
        environment.setenv("AWS_DEFAULT_REGION", "us-east-1")
        server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        server.start()
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
        server.stop()


@pytest.fixture
def bucket(endpoint: str) -> str:
    name = f"log-{uuid4()}"
    client = boto3.client("s3", endpoint_url=endpoint)
    client.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
    client.close()
    return name


@pytest.fixture(params=["folder", "s3"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Storage]:
    storage: Storage
    if request.param == "folder":
        storage = FolderStorage(tmp_path / "log")
    else:
        storage = S3Storage(
            request.getfixturevalue("bucket"),
            "audit/0",
            endpoint_url=request.getfixturevalue("endpoint"),
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
    endpoint: str, bucket: str
) -> None:
    storage = S3Storage(bucket, endpoint_url=endpoint, retention_days=30)
    storage.create({"tile/0/000": b"1"})
    storage.replace("checkpoint", b"1", None)
    storage.close()

    client = boto3.client("s3", endpoint_url=endpoint)
    tile = client.head_object(Bucket=bucket, Key="tile/0/000")
    checkpoint = client.head_object(Bucket=bucket, Key="checkpoint")
    client.close()
    assert tile["ObjectLockMode"] == "COMPLIANCE"
    assert 29 <= (tile["ObjectLockRetainUntilDate"] - tile["LastModified"]).days <= 30
    assert "ObjectLockMode" not in checkpoint


def test_objects_are_encrypted_under_the_key_that_is_set(endpoint: str, bucket: str) -> None:
    storage = S3Storage(bucket, endpoint_url=endpoint, kms_key_id="alias/audit")
    storage.create({"tile/0/000": b"1"})
    storage.close()

    client = boto3.client("s3", endpoint_url=endpoint)
    tile = client.head_object(Bucket=bucket, Key="tile/0/000")
    client.close()
    assert (tile["ServerSideEncryption"], tile["SSEKMSKeyId"]) == ("aws:kms", "alias/audit")


def test_settings_put_a_log_into_a_bucket(endpoint: str, bucket: str, tmp_path: Path) -> None:
    settings = AuditSettings(
        home=tmp_path, deployment="d", audit_s3_bucket=bucket, audit_s3_endpoint=endpoint
    )
    entry = Entry(Position("c", "t", 3, 0, 0), None, (), b"value")
    logs = Stores(settings)
    store = logs.open(3)
    store.append([entry])
    store.close()
    logs.close()

    storage = S3Storage(bucket, "audit/3", endpoint_url=endpoint)
    with closing(open_keys(settings)) as keys:
        assert list(reading.read(storage.get, keys)) == [(0, entry)]
    storage.close()
    assert not settings.log_folder(3).joinpath("checkpoint").exists()


def test_a_bucket_that_is_not_there_is_an_error_that_names_it(endpoint: str) -> None:
    storage = S3Storage("no-such-bucket", endpoint_url=endpoint)

    with pytest.raises(StorageError, match="no-such-bucket"):
        storage.get("checkpoint")
    with pytest.raises(StorageError, match="no-such-bucket"):
        storage.create({"tile/0/000": b"1"})
    storage.close()
