"""A witness, and what an auditor who believes it finds."""

import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import uvicorn
from typer.testing import CliRunner, Result

from glideslope.__main__ import app
from glideslope.audit.findings import Problem, Verdict
from glideslope.audit.objects import FolderObjects, UnreadableObjectError
from glideslope.audit.serve import served
from glideslope.audit.verification import Report, Verification
from glideslope.audit.web import WebObjects
from glideslope.audit.witness import ForkedError, RolledBackError, UnsignedError, Witness
from glideslope.audit.witness_state import WitnessState, WitnessStateError
from glideslope.audit.witnesses import Witnesses
from services.audit.tlog import paths
from services.audit.tlog.note import COSIGNATURE, Note, SignerKey

BuildLog = Callable[..., Path]


@pytest.fixture
def state(tmp_path: Path) -> WitnessState:
    return WitnessState(tmp_path / "witness")


@pytest.fixture
def witness(state: WitnessState, signer: SignerKey) -> Witness:
    return Witness(SignerKey.generate("witness.example/w1"), state, [signer.verifier()])


def test_a_cosignature_tells_who_and_when(build_log: BuildLog, witness: Witness) -> None:
    log = build_log(100)
    first = witness.cosign(FolderObjects(log))
    assert (first.checkpoint.size, first.before) == (100, None)
    [(key, at)] = first.note.verify([witness.verifier])
    assert key == witness.verifier
    assert at is not None
    assert abs(time.time() - at) < 60


def growing(build_log: BuildLog) -> tuple[Path, Path]:
    """Return a log of 100 entries, and the same when it has 300."""
    later = build_log(100, 300, name="later")
    earlier = shutil.copytree(later, later.parent / "earlier")
    kept = {tile.path for tile in (*paths.tiles(100), *paths.bundles(100))}
    for name in list(FolderObjects(earlier).names()):
        if (name.startswith("tile/") and name not in kept) or name == "checkpoints/300":
            (earlier / name).unlink()
    shutil.copy(later / "checkpoints/100", earlier / "checkpoint")
    return earlier, later


def test_a_continued_log_is_cosigned_and_an_unchanged_one_anew(
    build_log: BuildLog, witness: Witness
) -> None:
    earlier, later = growing(build_log)
    assert witness.cosign(FolderObjects(earlier)).before is None
    assert witness.cosign(FolderObjects(later)).before == 100
    again = witness.cosign(FolderObjects(later))
    assert (again.before, again.checkpoint.size) == (300, 300)


def test_a_log_that_was_set_back_is_refused_and_the_proof_is_kept(
    build_log: BuildLog, witness: Witness, tmp_path: Path, signer: SignerKey
) -> None:
    earlier, later = growing(build_log)
    witness.cosign(FolderObjects(later))
    with pytest.raises(RolledBackError, match="100 entries, and this witness cosigned 300"):
        witness.cosign(FolderObjects(earlier))
    [kept] = (tmp_path / "witness/refused").iterdir()
    cosigned, refused = kept.read_bytes().rsplit(b"\nglideslope/0", 1)
    for raw in (cosigned, b"glideslope/0" + refused):
        assert Note.parse(raw).verify([signer.verifier()])


@pytest.mark.parametrize("size", [200, 300])
def test_a_log_made_anew_with_its_signing_key_is_refused(
    build_log: BuildLog, witness: Witness, size: int
) -> None:
    witness.cosign(FolderObjects(build_log(100, 200)))
    forged = build_log(100, size, name="forged", words="rewritten")
    for _ in range(2):  # a refusal is not forgotten
        with pytest.raises(ForkedError, match="made anew"):
            witness.cosign(FolderObjects(forged))


def test_a_log_of_unknown_key_and_one_signed_by_another_are_refused(
    build_log: BuildLog, state: WitnessState
) -> None:
    log = FolderObjects(build_log(3))
    with pytest.raises(UnsignedError, match="give the log's verifier key"):
        Witness(SignerKey.generate("w"), state).cosign(log)
    other = SignerKey.generate("glideslope/0").verifier()
    with pytest.raises(UnsignedError, match="no known key"):
        Witness(SignerKey.generate("w"), state, [other]).cosign(log)


def test_what_a_witness_forgot_is_not_cosigned_as_new(
    build_log: BuildLog, witness: Witness, tmp_path: Path
) -> None:
    log = FolderObjects(build_log(3))
    witness.cosign(log)
    (tmp_path / "witness/glideslope%2F0.checkpoint").write_bytes(b"half a not")
    with pytest.raises(WitnessStateError, match="restore it"):
        witness.cosign(log)


def check(log: Path, signer: SignerKey, witnesses: Witnesses) -> Report:
    return Verification(
        FolderObjects(log), keys=[signer.verifier()], witnesses=witnesses, records=False
    ).run()


def leave(log: Path, note: Note, witness: Witness) -> None:
    (log / "cosignatures").mkdir(exist_ok=True)
    (log / "cosignatures" / witness.verifier.id.hex()).write_bytes(bytes(note))


def test_a_log_that_its_witness_follows_is_intact(
    build_log: BuildLog, witness: Witness, signer: SignerKey
) -> None:
    earlier, later = growing(build_log)
    leave(later, witness.cosign(FolderObjects(earlier)).note, witness)
    report = check(later, signer, Witnesses((witness.verifier,), max_age_seconds=60))
    assert report.verdict is Verdict.INTACT, report.findings
    assert report.cosigned[witness.verifier.name].size == 100


def test_a_log_without_cosignature_is_unwitnessed(
    build_log: BuildLog, witness: Witness, signer: SignerKey
) -> None:
    report = check(build_log(3), signer, Witnesses((witness.verifier,)))
    assert [finding.problem for finding in report.findings] == [Problem.UNWITNESSED]
    assert report.verdict is Verdict.UNVERIFIABLE


def test_an_old_cosignature_is_not_enough_where_an_age_is_asked(
    build_log: BuildLog, signer: SignerKey
) -> None:
    log = build_log(3)
    private = SignerKey.generate("w")
    note = Note.parse((log / "checkpoint").read_bytes())
    old = Note(note.text, (*note.signatures, private.cosign(note.text, int(time.time()) - 7_200)))
    (log / "checkpoint").write_bytes(bytes(old))
    keys = (private.verifier(COSIGNATURE),)
    assert check(log, signer, Witnesses(keys)).verdict is Verdict.INTACT
    [finding] = check(log, signer, Witnesses(keys, max_age_seconds=3_600)).findings
    assert finding.problem is Problem.UNWITNESSED
    assert "Ask the witness why" in finding.what


def test_a_consistent_rewrite_by_the_holder_of_the_signing_key_is_caught_by_the_witness(
    build_log: BuildLog, witness: Witness, signer: SignerKey
) -> None:
    cosigned = witness.cosign(FolderObjects(build_log(100, 200))).note
    forged = build_log(100, 200, 300, name="forged", words="rewritten")
    nobody = check(forged, signer, Witnesses())
    assert nobody.verdict is Verdict.INTACT  # nothing in it gives it away

    # the forger keeps the cosignature back: the witness itself has it
    told = Witnesses((witness.verifier,), notes=(("from the witness", bytes(cosigned)),))
    report = check(forged, signer, told)
    assert report.verdict is Verdict.TAMPERED
    assert (Problem.FORK, "from the witness") in {(f.problem, f.object) for f in report.findings}
    # or leaves the old one there
    leave(forged, cosigned, witness)
    report = check(forged, signer, Witnesses((witness.verifier,)))
    assert Problem.FORK in {finding.problem for finding in report.findings}


def test_a_log_that_was_set_back_behind_its_witness_is_caught(
    build_log: BuildLog, witness: Witness, signer: SignerKey
) -> None:
    earlier, later = growing(build_log)
    leave(earlier, witness.cosign(FolderObjects(later)).note, witness)
    report = check(earlier, signer, Witnesses((witness.verifier,)))
    assert Problem.ROLLED_BACK in {finding.problem for finding in report.findings}


def test_a_cosignature_that_was_altered_is_named(
    build_log: BuildLog, witness: Witness, signer: SignerKey
) -> None:
    log = build_log(3)
    note = witness.cosign(FolderObjects(log)).note
    line = note.signatures[-1]
    wrong = type(line)(line.name, line.key_id, line.blob[:-1] + bytes([line.blob[-1] ^ 1]))
    leave(log, Note(note.text, (*note.signatures[:-1], wrong)), witness)
    problems = {f.problem for f in check(log, signer, Witnesses((witness.verifier,))).findings}
    assert problems == {Problem.SIGNATURE, Problem.UNWITNESSED}


@pytest.fixture
def serve() -> Iterator[Callable[[Path], str]]:
    servers: list[uvicorn.Server] = []

    def start(log: Path) -> str:
        listening = socket.create_server(("127.0.0.1", 0))
        server = uvicorn.Server(
            uvicorn.Config(served({"0": FolderObjects(log)}), log_level="error")
        )
        servers.append(server)
        threading.Thread(target=server.run, args=([listening],)).start()
        return f"http://127.0.0.1:{listening.getsockname()[1]}/0"

    yield start
    for server in servers:
        server.should_exit = True


def test_a_witness_follows_a_log_over_http_and_the_server_carries_its_cosignature(
    build_log: BuildLog, witness: Witness, serve: Callable[[Path], str]
) -> None:
    log = build_log(100, 300)
    with closing(WebObjects(serve(log))) as web:
        done = witness.cosign(web)
        assert done.checkpoint.size == 300
        leave(log, done.note, witness)
        carried = Note.parse(web.read("checkpoint"))
    assert [key for key, _ in carried.verify([witness.verifier])] == [witness.verifier]


def test_a_server_that_does_not_answer_is_unreadable(witness: Witness) -> None:
    with closing(WebObjects("http://127.0.0.1:9/0")) as web, pytest.raises(UnreadableObjectError):
        witness.cosign(web)


# ── on the command line ───────────────────────────────────────────────────────────────────────


@pytest.fixture
def audit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.setenv("GLIDESLOPE_HOME", str(tmp_path / "home"))

    def run(*arguments: object) -> Result:
        return CliRunner().invoke(app, ["audit", *map(str, arguments)])

    return run


def test_a_witness_makes_its_key_cosigns_refuses_and_is_believed(
    audit: Callable[..., Result], build_log: BuildLog, signer: SignerKey, tmp_path: Path
) -> None:
    earlier, later = growing(build_log)
    made = audit("witness", "--new-key", "witness.example/w1")
    assert made.exit_code == 0, made.output
    vkey = made.stdout.strip()
    assert audit("witness", "--show-key").stdout.strip() == vkey
    assert audit("witness", "--new-key", "another").exit_code == 22  # never over the one there
    key = tmp_path / "home/witness/signer.key"
    assert key.stat().st_mode & 0o777 == 0o600

    assert audit("witness", later).exit_code == 20  # whose log is that?
    done = audit("witness", later, "--key", signer.verifier(), "--publish")
    assert done.exit_code == 0, done.output
    assert "cosigned glideslope/0: 300 entries, for the first time" in done.output

    pinned = ("--key", signer.verifier(), "--witness", vkey, "--witness-max-age", 60)
    checked = audit("verify", later, "--no-records", *pinned)
    assert checked.exit_code == 0, checked.output
    assert audit("verify", earlier, "--no-records", *pinned).exit_code == 22
    told = ("--witnessed", tmp_path / "home/witness")
    assert audit("verify", earlier, "--no-records", *pinned, *told).exit_code == 20
    refused = audit("witness", earlier)
    assert refused.exit_code == 20
    assert "was set back" in refused.output


def test_a_witness_without_key_or_log_says_what_to_do(audit: Callable[..., Result]) -> None:
    assert "--new-key" in audit("witness", "somewhere").output
    audit("witness", "--new-key", "w")
    assert audit("witness").exit_code == 2
    assert audit("witness", "nowhere").exit_code == 22
