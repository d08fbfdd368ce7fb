"""A GLIDESLOPE_HOME that audit's own store writes logs for, in its folder or in a bucket."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import boto3
import pytest
from typer.testing import CliRunner, Result

from glideslope.__main__ import app
from services.audit.adapters.stores import Stores
from services.audit.entry import Entry, Position
from services.audit.settings import AuditSettings

Append = Callable[..., AuditSettings]
Run = Callable[..., Result]

SECRET = b'{"question":"what Anna asked"}'


def entry(offset: int) -> Entry:
    headers = {
        "ce_specversion": b"1.0",
        "ce_id": b"event-%d" % offset,
        "ce_source": b"crm",
        "ce_type": b"glideslope.request.submitted.v1",
        "ce_tenant": b"bank",
        "ce_subject": b"anna@example.com",
        "content-type": b"application/json",
    }
    # a millisecond apart, from 2025-10-09 08:53:20 on
    position = Position("a-cluster", "requests", 0, offset, 1_760_000_000_000 + offset)
    return Entry(position, b"conversation", tuple(headers.items()), SECRET)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GLIDESLOPE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def bucket(aws: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Make a bucket with Object Lock, and set that logs lie there."""
    name = f"log-{uuid4()}"
    client = boto3.client("s3", endpoint_url=aws)
    client.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
    client.close()
    monkeypatch.setenv("GLIDESLOPE_AUDIT_S3_BUCKET", name)
    monkeypatch.setenv("GLIDESLOPE_AUDIT_S3_ENDPOINT", aws)
    monkeypatch.setenv("GLIDESLOPE_AUDIT_S3_RETENTION_DAYS", "30")
    return name


@pytest.fixture
def append(home: Path) -> Append:
    """Return a function that appends records to the log of partition 0, and gives the settings."""
    offset = 0

    def append(count: int) -> AuditSettings:
        nonlocal offset
        settings = AuditSettings()
        assert settings.home == home
        with closing(Stores(settings)) as stores, closing(stores.open(0)) as store:
            store.append([entry(each) for each in range(offset, offset + count)])
        offset += count
        return settings

    return append


@pytest.fixture
def audit() -> Run:
    def run(*arguments: object) -> Result:
        # there is no cluster, and so neither documents nor a queue
        without = ("--no-documents", "--no-reviews") if arguments[:1] == ("erase",) else ()
        return CliRunner().invoke(app, ["audit", *map(str, arguments), *without])

    return run
