"""`glideslope audit verify`, on logs that the audit service's own store wrote."""

import hashlib
import json
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from glideslope.__main__ import app
from services.audit.adapters.folder import FolderStorage
from services.audit.adapters.keys import LocalKeys
from services.audit.adapters.stores import open_store
from services.audit.entry import Entry, Position
from services.audit.log import UnavailableError
from services.audit.tlog.keystore import Owner
from services.audit.tlog.note import SignerKey

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
Run = Callable[..., Result]


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


def test_the_keys_of_a_log_that_is_named_are_those_beside_it(
    home: Home, verify: Verify, audit: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = home.append(3)
    monkeypatch.setenv("GLIDESLOPE_HOME", str(tmp_path / "another"))
    Home(tmp_path / "another").append(1)
    for named in (log, log.parent):
        result = verify(str(named), "--json")
        assert result.exit_code == 0, result.output
        assert [each["decrypted"] for each in said(result)["logs"]] == [3]
        assert "what Anna asked" in audit("show", "event-1", "--log", str(named)).stdout


def test_where_there_are_no_keys_at_all_it_says_that_nothing_was_decrypted(
    home: Home, verify: Verify, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = shutil.copytree(home.append(3), tmp_path / "copies/of/0")
    monkeypatch.setenv("GLIDESLOPE_HOME", str(tmp_path / "empty"))
    result = verify(str(copy))
    assert result.exit_code == 0, result.output
    assert "the keys of this log are elsewhere" in result.stdout
    assert "elsewhere" not in verify(str(copy), "--no-records").stdout


def test_where_no_key_of_a_log_is_there_it_says_so_once(
    home: Home, verify: Verify, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = shutil.copytree(home.append(300), tmp_path / "copies/of/0")
    other = tmp_path / "another"
    monkeypatch.setenv("GLIDESLOPE_HOME", str(other))
    Home(other).append(1)
    result = verify(str(copy), "--json")
    assert result.exit_code == 21, result.output
    findings = said(result)["logs"][0]["findings"]
    assert isinstance(findings, list)
    assert [each["problem"] for each in findings] == ["key-gone"]
    assert "the keys of this log are elsewhere" in findings[0]["what"]
    assert verify(str(copy), "--no-records").exit_code == 0


def test_a_missing_record_ends_with_21(home: Home, verify: Verify) -> None:
    log = home.append(3)
    (log / "blobs/000").unlink()
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


@pytest.fixture
def audit() -> Run:
    def run(*arguments: str) -> Result:
        # there is no cluster, and so neither documents nor a queue
        without = ("--no-documents", "--no-reviews") if arguments[0] == "erase" else ()
        return CliRunner().invoke(app, ["audit", *arguments, *without])

    return run


def test_show_tells_what_was_logged_of_a_request(home: Home, audit: Run) -> None:
    home.append(5)
    result = audit("show", "event-3")
    assert result.exit_code == 0, result.output
    heading, line = result.stdout.splitlines()  # no terminal is there: nothing is folded or cut
    assert heading.split() == ["entry", "time", "(UTC)", "topic", "what", "happened"]
    assert line.split() == [
        *("glideslope/0", "#3", "2025-10-09", "08:53:20.003", "requests"),
        *["asked:", "what", "Anna", "asked"],
    ]
    [shown] = json.loads(audit("show", "event-3", "--json").stdout)
    assert shown["record"]["value"] == {"question": "what Anna asked"}
    assert (shown["index"], shown["decrypted"]) == (3, True)


def test_show_tells_that_a_record_was_erased(home: Home, audit: Run) -> None:
    home.append(5)
    home.keys.erase(Owner("bank", "anna"), "she asked for it")
    result = audit("show", "event-3")
    assert result.exit_code == 0
    assert "what Anna asked" not in result.output
    assert "erased" in result.output


def test_show_of_an_unknown_request_ends_with_1(home: Home, audit: Run) -> None:
    home.append(1)
    assert audit("show", "nothing").exit_code == 1


def test_a_bundle_is_checked_by_python_alone(home: Home, audit: Run, tmp_path: Path) -> None:
    home.append(300)
    home.append(5)
    bundle = tmp_path / "bundle.zip"
    result = audit("export", "event-200", "-o", str(bundle))
    assert result.exit_code == 0, result.output
    folder = unpacked(bundle, tmp_path / "evidence")
    done = plain_python(folder, home.vkey())
    assert done.returncode == 0, done.stderr
    assert done.stdout == (
        "entry 200 is in log glideslope/0, which had 305 entries when it was signed\n"
    )
    leaf = json.loads((folder / "entries/200/leaf.json").read_bytes())
    blob = (folder / "entries/200/blob").read_bytes()
    assert hashlib.sha256(blob).hexdigest() == leaf["blob"]["sha256"]
    assert b"what Anna asked" in (folder / "entries/200/record.json").read_bytes()


@pytest.mark.parametrize("name", ["leaf.json", "proof.tlog-proof"])
def test_a_changed_bundle_is_refused_by_python_alone(
    home: Home, audit: Run, tmp_path: Path, name: str
) -> None:
    home.append(300)
    bundle = tmp_path / "bundle.zip"
    audit("export", "event-200", "-o", str(bundle))
    folder = unpacked(bundle, tmp_path / "evidence")
    changed = folder / "entries/200" / name
    changed.write_bytes(changed.read_bytes().replace(b"200", b"201"))
    assert plain_python(folder, home.vkey()).returncode == 1


def test_a_bundle_signed_by_another_key_is_refused_by_python_alone(
    home: Home, audit: Run, tmp_path: Path
) -> None:
    home.append(3)
    bundle = tmp_path / "bundle.zip"
    audit("export", "event-2", "-o", str(bundle))
    folder = unpacked(bundle, tmp_path / "evidence")
    other = str(SignerKey.generate("glideslope/0").verifier())
    done = plain_python(folder, other)
    assert done.returncode == 1
    assert "did not sign" in done.stderr


def test_a_bundles_script_says_what_a_key_looks_like(
    home: Home, audit: Run, tmp_path: Path
) -> None:
    home.append(3)
    assert audit("export", "event-2", "-o", str(tmp_path / "bundle.zip")).exit_code == 0
    done = plain_python(unpacked(tmp_path / "bundle.zip", tmp_path / "evidence"), "KEY")
    assert done.returncode == 1
    assert "'KEY' is no verifier key: name+id+key" in done.stderr
    assert "Traceback" not in done.stderr


def unpacked(bundle: Path, folder: Path) -> Path:
    with zipfile.ZipFile(bundle) as archive:
        archive.extractall(folder)
    return folder


def plain_python(folder: Path, vkey: str) -> subprocess.CompletedProcess[str]:
    """Run the bundle's script with no packages, no environment and no Glideslope."""
    command = [sys.executable, "-S", "-s", "-E", "check.py", vkey]
    return subprocess.run(
        command, cwd=folder, env={}, capture_output=True, text=True, check=False, timeout=60
    )


def test_erase_destroys_the_key_logs_it_and_every_proof_still_holds(
    home: Home, audit: Run, tmp_path: Path
) -> None:
    home.append(5)
    result = audit("erase", "anna", "--tenant", "bank", "--reason", "she asked for it")
    assert result.exit_code == 0, result.output
    checked = audit("verify", "--json")
    assert checked.exit_code == 0, checked.output
    [log] = said(checked)["logs"]
    assert (log["size"], log["shredded"]) == (6, 5)
    bundle = tmp_path / "bundle.zip"
    assert audit("export", "event-3", "-o", str(bundle)).exit_code == 0
    folder = unpacked(bundle, tmp_path / "evidence")
    assert plain_python(folder, home.vkey()).returncode == 0
    assert not list(folder.rglob("record.json"))


def test_a_legal_hold_refuses_erasure_and_the_refusal_is_logged(home: Home, audit: Run) -> None:
    home.append(5)
    words = ("--tenant", "bank", "--reason", "a lawsuit")
    assert audit("hold", "anna", *words).exit_code == 0
    refused = audit("erase", "anna", *words)
    assert refused.exit_code == 1
    assert "legal hold" in refused.output
    assert "what Anna asked" in audit("show", "event-3").output
    [log] = said(audit("verify", "--json"))["logs"]
    assert log["size"] == 7  # the hold and the refusal
    assert audit("release", "anna", *words).exit_code == 0
    assert audit("erase", "anna", *words).exit_code == 0


def test_erasing_somebody_unknown_ends_with_1(home: Home, audit: Run) -> None:
    home.append(1)
    assert audit("erase", "nobody", "--reason", "asked").exit_code == 1


def test_erase_leaves_the_entry_to_a_running_audit(home: Home, audit: Run) -> None:
    folder = home.append(5)
    store = open_store(folder, "glideslope/0", home.keys)
    try:
        result = audit("erase", "anna", "--tenant", "bank", "--reason", "she asked for it")
        assert result.exit_code == 0, result.output
        assert "by the running audit in 0" in result.output
        store.append([entry(5, 0)])
    finally:
        store.close()
    assert audit("verify").exit_code == 0


def test_an_interrupted_append_ends_with_21_until_audit_has_finished_it(
    home: Home, audit: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = home.append(5)
    store = open_store(folder, "glideslope/0", home.keys)
    with monkeypatch.context() as broken:
        broken.setattr(FolderStorage, "replace", refuse)
        with pytest.raises(UnavailableError):
            store.append([entry(5, 0)])
    store.close()
    [whole] = said(audit("verify", "--json"))["logs"]
    assert (whole["verdict"], whole["size"]) == ("intact", 6)  # the journal has it
    journal = (folder / "local/journal").read_bytes()
    (folder / "local/journal").unlink()
    checked = audit("verify", "--json")
    assert checked.exit_code == 21, checked.output
    [log] = said(checked)["logs"]
    findings = log["findings"]
    assert isinstance(findings, list)
    assert {finding["problem"] for finding in findings} == {"unfinished"}
    (folder / "local/journal").write_bytes(journal)
    open_store(folder, "glideslope/0", home.keys).close()
    assert audit("verify").exit_code == 0


def refuse(*_: object) -> str:
    raise OSError("no space left on device")


def test_a_log_may_be_checked_while_it_is_written(home: Home, audit: Run) -> None:
    folder = home.append(200)
    stop = threading.Event()

    def write() -> None:
        store = open_store(folder, "glideslope/0", home.keys)
        for first in range(200, 3_000, 20):
            store.append([entry(offset, 0) for offset in range(first, first + 20)])
            if stop.is_set():
                break
        store.close()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(5):
            checked = audit("verify")
            assert checked.exit_code == 0, checked.output
    finally:
        stop.set()
        writer.join()
    assert audit("verify").exit_code == 0


def test_export_writes_the_entries_of_a_time(home: Home, audit: Run, tmp_path: Path) -> None:
    home.append(5)
    output = tmp_path / "entries.jsonl"
    # the records of the fixture are a millisecond apart, from 2025-10-09 08:53:20 on
    result = audit("export", "-o", str(output), "--from", "2025-10-09T08:53:20")
    assert result.exit_code == 0, result.output
    lines = [json.loads(line) for line in output.read_text().splitlines()]
    assert [line["index"] for line in lines] == [0, 1, 2, 3, 4]
    assert lines[0]["record"]["value"] == {"question": "what Anna asked"}
    assert audit("export", "-o", str(output), "--to", "2025-10-09T08:53:20").exit_code == 0
    assert not output.read_text()
