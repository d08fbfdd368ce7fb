"""Every audit command on logs in a bucket."""

import json
import threading
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import boto3
import pytest
from typer.testing import Result

from services.audit.adapters.stores import Stores
from services.audit.settings import AuditSettings

Append = Callable[[int], AuditSettings]
Run = Callable[..., Result]


def test_a_log_in_a_bucket_is_checked_shown_exported_and_reconciled(
    bucket: str, append: Append, audit: Run, tmp_path: Path
) -> None:
    append(3)
    address = f"s3://{bucket}/audit"

    checked = audit("verify", address, "--json")
    assert checked.exit_code == 0, checked.output
    [log] = json.loads(checked.stdout)["logs"]
    assert (log["place"], log["entries"], log["decrypted"]) == (f"{address}/0", 3, 3)

    assert "what Anna asked" in audit("show", "event-1", "--log", address).output
    bundle = tmp_path / "bundle.zip"
    assert audit("export", "event-1", "-o", bundle, "--log", address).exit_code == 0
    assert "entries/1/proof.tlog-proof" in zipfile.ZipFile(bundle).namelist()
    lines = tmp_path / "entries.jsonl"
    assert audit("export", "-o", lines).exit_code == 0  # the bucket is in the settings
    assert len(lines.read_text().splitlines()) == 3
    said = json.loads(audit("reconcile", address, "--lost-after", 10**6, "--json").stdout)
    assert said["logs"][0]["in_flight"] == 3


def test_an_erasure_is_logged_in_the_bucket(bucket: str, append: Append, audit: Run) -> None:
    append(2)
    erased = audit("erase", "anna@example.com", "--tenant", "bank", "--reason", "she asked")
    assert erased.exit_code == 0, erased.output
    [log] = json.loads(audit("verify", "--json").stdout)["logs"]
    assert (log["verdict"], log["size"], log["shredded"]) == ("intact", 3, 2)
    del bucket


def test_an_erasure_on_another_machine_leaves_the_entry_to_the_one_that_writes(
    bucket: str, append: Append, audit: Run, home: Path, tmp_path: Path
) -> None:
    settings = append(2)
    with closing(Stores(settings)) as stores, closing(stores.open(0)) as writer:
        (home / "audit").rename(tmp_path / "journals")  # this machine has the keys alone
        erased = audit("erase", "anna@example.com", "--tenant", "bank", "--reason", "she asked")
        assert erased.exit_code == 0
        assert "another machine writes 0" in erased.stderr
        writer.append([])  # it was not stopped, and has found the entry to log
    [log] = json.loads(audit("verify", "--json").stdout)["logs"]
    assert (log["verdict"], log["size"], log["shredded"]) == ("intact", 3, 2)
    del bucket


def test_a_witness_leaves_its_cosignature_in_the_bucket(
    bucket: str, append: Append, audit: Run, aws: str
) -> None:
    append(2)
    [log] = json.loads(audit("verify", "--json").stdout)["logs"]
    vkey = audit("witness", "--new-key", "w").stdout.strip()
    address = f"s3://{bucket}/audit"
    for _ in range(2):  # another version of it is no finding
        done = audit("witness", address, "--key", log["keys"][0], "--publish")
        assert done.exit_code == 0, done.output
    append(1)
    checked = audit("verify", "--witness", vkey, "--witness-max-age", 60, "--json")
    assert checked.exit_code == 0, checked.output
    [log] = json.loads(checked.stdout)["logs"]
    assert (log["size"], log["cosigned"]["w"]["size"]) == (3, 2)
    del aws


def test_a_log_in_a_bucket_may_be_checked_while_it_is_written(
    bucket: str, append: Append, audit: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    # typer sets it, and removes it again, while boto3 goes through the environment for proxies
    monkeypatch.setenv("PYDANTIC_DISABLE_PLUGINS", "1")
    append(250)
    writer = threading.Thread(target=lambda: [append(3) for _ in range(8)])
    writer.start()
    while writer.is_alive():
        checked = audit("verify", "--no-records")
        assert checked.exit_code == 0, checked.output
    writer.join()
    assert audit("verify", f"s3://{bucket}/audit/0", "--no-records").exit_code == 0


def test_an_object_that_was_deleted_ends_with_20_and_its_name(
    bucket: str, append: Append, audit: Run, aws: str
) -> None:
    append(3)
    client = boto3.client("s3", endpoint_url=aws)
    client.delete_object(Bucket=bucket, Key="audit/0/tile/entries/000.p/3")
    client.close()
    result = audit("verify")
    assert result.exit_code == 20
    assert f"deleted s3://{bucket}/audit/0/tile/entries/000.p/3" in result.output


def test_a_bucket_that_is_not_there_ends_with_22_and_its_name(
    bucket: str, home: Path, audit: Run
) -> None:
    del bucket, home
    missing = f"missing-{uuid4()}"
    result = audit("verify", f"s3://{missing}/audit")
    assert result.exit_code == 22
    assert missing in result.output
