"""Our logs, and our witness's cosignatures, before aics-tlog: other people's Python."""

import json
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from glideslope.audit.cosignatures import with_cosignatures
from glideslope.audit.objects import FolderObjects
from glideslope.audit.witness import Witness
from glideslope.audit.witness_state import WitnessState
from services.audit.tlog.note import SignerKey, VerifierKey

WriteLog = Callable[..., tuple[Path, str]]
Check = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def check(interop: Path) -> Check:
    python = interop / "aics/bin/python"
    if not python.exists():
        pytest.skip("aics-tlog is not here: `make interop` gets it")
    script = Path(__file__).with_name("aics_check.py")

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        command = [str(python), str(script), *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

    return run


@pytest.mark.parametrize(
    "sizes",
    [(1,), (2, 3), (255, 256), (200, 257), (1, 3, 250, 260, 511, 513, 700, 1000)],
    ids=lambda sizes: str(sizes[-1]),
)
def test_it_accepts_signature_tiles_bundles_inclusion_and_consistency(
    check: Check, write_log: WriteLog, sizes: tuple[int, ...]
) -> None:
    folder, vkey = write_log(*sizes)
    done = check(folder, vkey)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["size"] == sizes[-1]
    assert said["bundles"] == -(-sizes[-1] // 256)
    assert said["consistent"] == len(list((folder / "checkpoints").glob("*")))


def test_it_accepts_the_cosignature_of_our_witness(
    check: Check, write_log: WriteLog, tmp_path: Path
) -> None:
    folder, vkey = write_log(3, 300)
    witness = Witness(
        SignerKey.generate("witness.example/w1"),
        WitnessState(tmp_path / "witness"),
        [VerifierKey.parse(vkey)],
    )
    with closing(FolderObjects(folder)) as objects:
        cosigned = bytes(witness.cosign(objects).note)
        (folder / "cosignatures").mkdir()
        (folder / "cosignatures/w1").write_bytes(cosigned)
        served = with_cosignatures(objects.read("checkpoint"), objects)
    (folder / "checkpoint").write_bytes(served)
    done = check(folder, vkey, witness.verifier)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["witnesses"] == ["witness.example/w1"]


@pytest.mark.parametrize("name", ["tile/entries/000", "tile/0/000", "tile/1/000.p/1", "checkpoint"])
def test_it_refuses_what_was_changed(check: Check, write_log: WriteLog, name: str) -> None:
    folder, vkey = write_log(300)
    data = bytearray((folder / name).read_bytes())
    data[20] ^= 1
    (folder / name).write_bytes(data)
    assert check(folder, vkey).returncode != 0
