"""`make sign` and `make verify-signatures` with cosign itself, and a registry on this machine."""

import base64
import json
import os
import socket
import subprocess
import tarfile
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from deploy.ci.signatures import IMAGES, main
from tests.k8s.tools import CannotBeHadError
from tests.signatures import tools

VERSION = "0.2.0"
STARTED_WITHIN = 60.0  # seconds
BILL = {"bomFormat": "CycloneDX", "specVersion": "1.6", "components": []}


@dataclass(frozen=True, slots=True)
class Programs:
    cosign: Path
    crane: Path

    def run(self, program: Path, *words: str | Path) -> str:
        given = [str(program), *map(str, words)]
        done = subprocess.run(given, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def programs() -> Programs:
    try:
        return Programs(tools.cosign(), tools.crane())
    except CannotBeHadError as error:
        pytest.skip(f"nothing signs here: {error}")


@pytest.fixture(scope="module")
def registry(programs: Programs) -> Iterator[str]:
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    runs = subprocess.Popen(
        [programs.crane, "registry", "serve", "--address", address],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    give_up = time.monotonic() + STARTED_WITHIN
    while True:
        try:
            socket.create_connection(("127.0.0.1", int(address.rpartition(":")[2]))).close()
            break
        except ConnectionRefusedError:
            assert runs.poll() is None
            assert time.monotonic() < give_up
            time.sleep(0.05)
    yield address
    runs.terminate()
    runs.wait(30)


@pytest.fixture
def pushed(
    programs: Programs, registry: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, str]:
    """The digest of each image, pushed as `make push` does, in a registry's folder of its own."""
    folder = f"{registry}/{os.urandom(4).hex()}/"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"{programs.cosign.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("REGISTRY", folder)
    monkeypatch.setenv("VERSION", VERSION)
    monkeypatch.setenv("COSIGN_PASSWORD", "of the tests")
    monkeypatch.setenv("HOME", str(tmp_path))  # cosign keeps there what it is told of the world
    monkeypatch.delenv("SIGNER", raising=False)
    programs.run(programs.cosign, "generate-key-pair")
    for kept in ("pushed", "sbom"):
        (tmp_path / "dist" / kept).mkdir(parents=True)
    digests = {}
    for image in IMAGES:
        name = f"{folder}glideslope-{image}"
        reference = push(programs, f"{name}:{VERSION}", image)
        digests[image] = reference.partition("@")[2]
        Path(f"dist/pushed/glideslope-{image}").write_text(f"{name}@{digests[image]}\n")
        Path(f"dist/sbom/glideslope-{image}.cdx.json").write_text(json.dumps(BILL))
    chart = push(programs, f"{folder}charts/glideslope:{VERSION}", "chart")
    Path("dist/pushed/chart").write_text(f"{folder}charts/glideslope@{chart.partition('@')[2]}\n")
    return digests


def push(programs: Programs, name: str, content: str) -> str:
    """Push an image that holds some content, and return its reference by digest."""
    Path("content").write_text(content)
    with tarfile.open("layer.tar", "w") as layer:
        layer.add("content")
    return programs.run(
        programs.crane, "append", "--new_layer", "layer.tar", "--new_tag", name
    ).strip()


def test_what_was_pushed_is_signed_with_its_bill_and_verified_by_digest(
    programs: Programs, registry: str, pushed: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COSIGN_KEY", "cosign.key")
    assert main(["sign"]) == 0
    monkeypatch.setenv("COSIGN_KEY", "cosign.pub")
    assert main(["verify"]) == 0

    values = YAML(typ="safe").load(Path("dist/verified.yaml"))
    assert values == {
        block: {"image": {"digest": pushed[image]}} for image, block in IMAGES.items()
    }
    chart = Path("dist/pushed/chart").read_text()
    assert Path("dist/verified-chart").read_text() == f"oci://{chart}"
    reference = Path("dist/pushed/glideslope-audit").read_text().strip()
    said = programs.run(
        programs.cosign,
        *("verify-attestation", "--key", "cosign.pub", "--private-infrastructure"),
        *("--type", "cyclonedx", reference),
    )
    statement = json.loads(base64.b64decode(json.loads(said)["payload"]))
    assert statement["predicate"] == BILL
    assert statement["subject"][0]["digest"]["sha256"] == pushed["audit"].removeprefix("sha256:")
    assert registry in reference


def test_a_tag_that_was_moved_to_another_image_is_not_deployed(
    programs: Programs, pushed: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COSIGN_KEY", "cosign.key")
    assert main(["sign"]) == 0
    name = f"{os.environ['REGISTRY']}glideslope-review:{VERSION}"
    assert pushed["review"] not in push(programs, name, "somebody else's")

    monkeypatch.setenv("COSIGN_KEY", "cosign.pub")
    assert main(["verify"]) == 1
    assert not Path("dist/verified.yaml").exists()


def test_what_another_key_has_signed_is_not_deployed(
    programs: Programs, pushed: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    del pushed
    Path("ours.pub").write_bytes(Path("cosign.pub").read_bytes())
    for half in ("cosign.key", "cosign.pub"):
        Path(half).unlink()
    programs.run(programs.cosign, "generate-key-pair")
    monkeypatch.setenv("COSIGN_KEY", "cosign.key")
    assert main(["sign"]) == 0

    monkeypatch.setenv("COSIGN_KEY", "ours.pub")
    assert main(["verify"]) == 1
    assert not Path("dist/verified.yaml").exists()
