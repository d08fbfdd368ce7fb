import json
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from deploy.ci.signatures import IMAGES, main

ROOT = Path(__file__).parents[4]
DIGEST = "sha256:" + "ab" * 32

COSIGN = """#!/bin/sh
# Notes what it is told; verifies what does not end with the tag 9.9.9.
printf '%s\\n' "$*" >> "$COSIGN_LOG"
case "$1 $*" in
    *:9.9.9) exit 10 ;;
    verify*) printf '%s' '{answer}' ;;
esac
"""


@pytest.fixture(autouse=True)
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that the commands work in, with a cosign that notes what it is told."""
    answer = json.dumps([{"critical": {"image": {"docker-manifest-digest": DIGEST}}}])
    program = tmp_path / "bin" / "cosign"
    program.parent.mkdir()
    program.write_text(COSIGN.replace("{answer}", answer))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    monkeypatch.setenv("COSIGN_LOG", str(tmp_path / "told"))
    monkeypatch.setenv("REGISTRY", "registry.example/team/")
    for name in ("COSIGN_KEY", "SIGNER", "SIGNER_ISSUER", "VERSION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dist" / "pushed").mkdir(parents=True)
    (tmp_path / "dist" / "sbom").mkdir()
    return tmp_path / "told"


def test_what_was_pushed_is_signed_by_digest_with_its_bill(
    told: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COSIGN_KEY", "cosign.key")
    audit, chart = f"r.example/glideslope-audit@{DIGEST}", f"r.example/charts/glideslope@{DIGEST}"
    Path("dist/pushed/glideslope-audit").write_text(f"{audit}\n")
    Path("dist/pushed/chart").write_text(f"{chart}\n")
    Path("dist/sbom/glideslope-audit.cdx.json").write_text("{}")

    assert main(["sign"]) == 0

    key = "--key cosign.key --tlog-upload=false"
    bill = "--type cyclonedx --predicate dist/sbom/glideslope-audit.cdx.json"
    assert told.read_text().splitlines() == [
        f"sign --yes {key} {chart}",
        f"sign --yes {key} {audit}",
        f"attest --yes {key} {bill} {audit}",
    ]


def test_nothing_pushed_or_a_tag_that_may_move_is_not_signed(
    told: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sign"]) == 2
    assert "make push" in capsys.readouterr().err

    Path("dist/pushed/glideslope-audit").write_text("r.example/glideslope-audit:latest")
    assert main(["sign"]) == 2
    assert "may be moved" in capsys.readouterr().err
    assert not told.exists()


def test_what_is_verified_is_written_as_values_of_the_chart(
    told: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VERSION", "0.2.0")
    monkeypatch.setenv("SIGNER", "https://ci.example/release.yml@refs/tags/v0.2.0")

    assert main(["verify"]) == 0

    values = YAML(typ="safe").load(Path("dist/verified.yaml"))
    assert values == {block: {"image": {"digest": DIGEST}} for block in IMAGES.values()}
    assert "--certificate-identity https://ci.example/release.yml" in told.read_text()
    assert "registry.example/team/glideslope-inference:0.2.0" in told.read_text()


def test_the_chart_is_verified_too_and_named_by_its_digest(
    told: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VERSION", "0.2.0")
    monkeypatch.setenv("SIGNER", "https://ci.example/release.yml@refs/tags/v0.2.0")

    assert main(["verify"]) == 0

    assert "registry.example/team/charts/glideslope:0.2.0" in told.read_text()
    chart = Path("dist/verified-chart").read_text()
    assert chart == f"oci://registry.example/team/charts/glideslope@{DIGEST}\n"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("VERSION", "latest"),
        ("VERSION", "0.2"),
        ("VERSION", "0.2.0 --insecure-ignore-tlog"),
        ("VERSION", "$(touch here)"),
        ("REGISTRY", "ghcr.io/Owner/Repository/"),
        ("REGISTRY", "--help/"),
    ],
)
def test_what_is_no_version_or_registry_is_refused_before_anything_is_asked(
    told: Path,
    name: str,
    value: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("COSIGN_KEY", "cosign.pub")
    monkeypatch.setenv("VERSION", "0.2.0")
    monkeypatch.setenv(name, value)

    assert main(["verify"]) == 2
    assert repr(value) in capsys.readouterr().err
    assert not told.exists()


def test_an_image_without_the_signature_leaves_nothing_to_deploy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COSIGN_KEY", "cosign.pub")
    monkeypatch.setenv("VERSION", "9.9.9")

    assert main(["verify"]) == 1
    assert not Path("dist/verified.yaml").exists()
    assert not Path("dist/verified-chart").exists()


def test_which_images_and_who_must_have_signed_has_to_be_said(
    told: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify"]) == 2
    assert "VERSION" in capsys.readouterr().err

    monkeypatch.setenv("VERSION", "0.2.0")
    assert main(["verify"]) == 2
    assert "SIGNER" in capsys.readouterr().err
    assert not told.exists()


def test_every_service_has_an_image_that_is_verified() -> None:
    services = {path.parent.name for path in ROOT.glob("services/*/pyproject.toml")}

    assert set(IMAGES) == {*services, "command-line"}
