"""Our logs, before libraries of the Go project: other people's code, in another language."""

import base64
import json
import runpy
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

TOOLS = Path(__file__).with_name("tools.py")

WriteLog = Callable[..., tuple[Path, str]]


@pytest.fixture(scope="module")
def tlogcheck() -> Path:
    """Build it, or take what was built before."""
    tools = runpy.run_path(str(TOOLS))
    try:
        built: Path = tools["tlogcheck"]()
    except FileNotFoundError as error:
        pytest.skip(f"{error}: nothing here can build the other verifier")
    except subprocess.CalledProcessError as error:
        pytest.skip(f"golang.org/x/mod cannot be fetched: {error}")
    return built


def run(program: Path, folder: Path, vkey: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [program, folder, vkey], capture_output=True, text=True, check=False, timeout=60
    )


@pytest.mark.parametrize(
    "sizes",
    [
        (1,),
        (1, 2),
        (2, 3),
        (5,),
        (100, 255),
        (255, 256),
        (200, 257),
        (1, 3, 250, 260, 511, 513, 700, 1000),
    ],
    ids=lambda sizes: str(sizes[-1]),
)
def test_go_accepts_signature_root_inclusion_and_consistency(
    tlogcheck: Path, write_log: WriteLog, sizes: tuple[int, ...]
) -> None:
    folder, vkey = write_log(*sizes)
    done = run(tlogcheck, folder, vkey)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    origin, size, root = (folder / "checkpoint").read_text().split("\n")[:3]
    assert (said["origin"], said["size"], said["root"]) == (origin, int(size), root)
    assert said["size"] == sizes[-1]
    assert said["included"] == 3
    assert said["consistent"] == len(list((folder / "checkpoints").glob("*")))


def test_consistency_with_earlier_checkpoints_is_among_what_go_checks(
    tlogcheck: Path, write_log: WriteLog
) -> None:
    folder, vkey = write_log(100, 300, 600)
    done = run(tlogcheck, folder, vkey)
    assert json.loads(done.stdout)["consistent"] == 2


def test_go_refuses_a_changed_entry(tlogcheck: Path, write_log: WriteLog) -> None:
    folder, vkey = write_log(257)
    bundle = folder / "tile/entries/000"
    data = bytearray(bundle.read_bytes())
    data[100] ^= 1
    bundle.write_bytes(data)
    done = run(tlogcheck, folder, vkey)
    assert done.returncode == 1
    assert "root" in done.stderr


def test_go_refuses_another_signature(tlogcheck: Path, write_log: WriteLog) -> None:
    folder, vkey = write_log(5)
    checkpoint = folder / "checkpoint"
    head, _, encoded = checkpoint.read_text().rstrip("\n").rpartition(" ")
    data = bytearray(base64.b64decode(encoded))
    data[-1] ^= 1
    checkpoint.write_text(f"{head} {base64.b64encode(data).decode()}\n")
    assert run(tlogcheck, folder, vkey).returncode == 1
