"""`glideslope audit verify`, on logs that the audit service's own store wrote."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from glideslope.__main__ import app
from services.audit.adapters.keys import LocalKeys
from services.audit.adapters.stores import open_store
from services.audit.entry import Entry, Position
from services.audit.tlog.keystore import Owner

SECRET = b'{"question":"what Anna asked"}'


class Home:
    """A GLIDESLOPE_HOME with logs and keys."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "keys").mkdir(parents=True)
        (folder / "keys/master.key").write_text("a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=")
        self.keys = LocalKeys(folder / "keys", b"k" * 32)
        self._offsets = {0: 0, 1: 0}

    def append(self, count: int, *, partition: int = 0) -> Path:
        folder = self.folder / "audit" / str(partition)
        store = open_store(folder, f"glideslope/{partition}", self.keys)
        first = self._offsets[partition]
        self._offsets[partition] += count
        store.append([entry(offset, partition) for offset in range(first, first + count)])
        store.close()
        return folder

    def vkey(self, partition: int = 0) -> str:
        return str(self.keys.signers(f"glideslope/{partition}")[0].verifier())


def entry(offset: int, partition: int) -> Entry:
    headers = {
        "ce_specversion": b"1.0",
        "ce_id": b"event-%d" % offset,
        "ce_source": b"crm",
        "ce_type": b"glideslope.request.submitted.v1",
        "ce_tenant": b"bank",
        "ce_subject": b"anna",
        "content-type": b"application/json",
    }
    position = Position("a-cluster", "requests", partition, offset, 1_760_000_000_000 + offset)
    return Entry(position, b"conversation", tuple(headers.items()), SECRET)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("GLIDESLOPE_HOME", str(tmp_path / "home"))
    return Home(tmp_path / "home")


Verify = Callable[..., Result]


@pytest.fixture
def verify() -> Verify:
    def run(*arguments: str) -> Result:
        return CliRunner().invoke(app, ["audit", "verify", *arguments])

    return run


def said(result: Result) -> dict[str, list[dict[str, object]]]:
    document: dict[str, list[dict[str, object]]] = json.loads(result.stdout)
    return document


def test_intact_logs_end_with_0_and_say_what_was_checked(home: Home, verify: Verify) -> None:
    home.append(300)
    home.append(3, partition=1)
    result = verify("--json", "--key", home.vkey(0), "--key", home.vkey(1))
    assert result.exit_code == 0, result.output
    logs = said(result)["logs"]
    assert [log["origin"] for log in logs] == ["glideslope/0", "glideslope/1"]
    assert [log["entries"] for log in logs] == [300, 3]
    assert [log["decrypted"] for log in logs] == [300, 3]
    assert all(log["pinned"] for log in logs)


def test_a_changed_log_ends_with_20_and_the_place(home: Home, verify: Verify) -> None:
    log = home.append(300)
    bundle = log / "tile/entries/000"
    bundle.write_bytes(bundle.read_bytes().replace(b'"offset":20,', b'"offset":21,'))
    result = verify()
    assert result.exit_code == 20
    assert f"{log}/tile/entries/000, entry 20, event event-20" in result.output.replace("\n", "")


def test_a_missing_record_ends_with_21(home: Home, verify: Verify) -> None:
    log = home.append(3)
    next((log / "blobs").rglob("*/*")).unlink()
    assert verify().exit_code == 21


def test_a_folder_without_a_log_ends_with_22(home: Home, verify: Verify) -> None:
    result = verify(str(home.folder))
    assert result.exit_code == 22
    assert "holds no log" in result.output


def test_the_older_format_is_named(tmp_path: Path, verify: Verify) -> None:
    (tmp_path / "0").mkdir()
    (tmp_path / "0/00000000000000000000.jsonl").write_text("{}\n")
    result = verify(str(tmp_path))
    assert result.exit_code == 22
    assert "older format" in result.output


def test_a_key_that_is_none_is_wrong_usage(home: Home, verify: Verify) -> None:
    home.append(1)
    assert verify("--key", "no key").exit_code == 2


def test_the_records_of_an_erased_person_are_counted(home: Home, verify: Verify) -> None:
    home.append(5)
    home.keys.erase(Owner("bank", "anna"), "she asked for it")
    home.append(1)
    result = verify("--json")
    assert result.exit_code == 0, result.output
    [log] = said(result)["logs"]
    # five of hers are gone; the erasure itself and what she said since can be read
    assert (log["shredded"], log["decrypted"]) == (5, 2)


def test_what_was_remembered_shows_a_log_that_was_set_back(
    home: Home, verify: Verify, tmp_path: Path
) -> None:
    log = home.append(5)
    earlier = shutil.copytree(log, tmp_path / "earlier")
    home.append(5)
    remember = str(tmp_path / "remembered.json")
    assert verify("--remember", remember).exit_code == 0
    shutil.rmtree(log)
    shutil.copytree(earlier, log)
    result = verify("--remember", remember, "--json")
    assert result.exit_code == 20
    [log_said] = said(result)["logs"]
    assert "rolled-back" in str(log_said["findings"])


def test_what_was_remembered_misses_a_whole_log(home: Home, verify: Verify, tmp_path: Path) -> None:
    home.append(5)
    gone = home.append(5, partition=1)
    remember = str(tmp_path / "remembered.json")
    assert verify("--remember", remember).exit_code == 0
    shutil.rmtree(gone)
    home.append(1)
    assert verify("--remember", remember).exit_code == 21


def test_a_new_signing_key_is_followed(home: Home, verify: Verify) -> None:
    home.append(5)
    first = home.vkey()
    home.keys.rotate_signer("glideslope/0")
    home.append(5)
    result = verify("--key", first, "--json")
    assert result.exit_code == 0, result.output
    [log] = said(result)["logs"]
    assert len(log["keys"]) == 2  # type: ignore[arg-type] # a list, as JSON has it
