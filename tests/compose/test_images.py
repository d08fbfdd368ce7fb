"""What is in each image, and that it follows from the commit alone."""

import base64
import json
import tomllib
from typing import Any

import pytest

from tests.compose.engine import Engine
from tests.compose.stack import IMAGES, ROOT, VERSION, Stack

WHO_HAS = {
    "boto3": {"audit", "command-line", "inference"},
    "qdrant_client": {"command-line", "inference"},
    "phonenumbers": {"command-line", "validator"},
    "sqlalchemy": {"command-line", "review"},
}
TOKEN = """
import asyncio, json
from shared.msk import MskTokens
token = asyncio.run(MskTokens("eu-central-1").token())
bill = json.load(open("/venv/sbom.cdx.json"))
print(json.dumps([token, [each["name"] for each in bill["components"]]]))
"""
INSTALLED = """
import importlib.metadata as m, importlib.util as u, json, sys
print(json.dumps({
    "importable": [name for name in sys.argv[1:] if u.find_spec(name)],
    "installed": sorted({d.metadata["Name"] + "==" + d.version for d in m.distributions()}),
    "bill": json.load(open("/venv/sbom.cdx.json")),
}))
"""


@pytest.fixture(scope="session", params=IMAGES)
def image(request: pytest.FixtureRequest, built: Stack) -> str:
    del built
    return str(request.param)


@pytest.fixture(scope="session")
def inside(engine: Engine, image: str) -> dict[str, Any]:
    said = engine.docker(
        *(
            "run",
            "--rm",
            "--network",
            "none",
            "--entrypoint",
            "python",
            f"glideslope-{image}:{VERSION}",
        ),
        *("-c", INSTALLED, *WHO_HAS),
    )
    return dict(json.loads(said))


def test_it_has_the_libraries_of_its_own_service_alone(image: str, inside: dict[str, Any]) -> None:
    assert set(inside["importable"]) == {name for name, who in WHO_HAS.items() if image in who}


def test_its_bill_of_materials_lists_what_is_installed(inside: dict[str, Any]) -> None:
    components = inside["bill"]["components"]
    packages = [c for c in components if c["purl"].startswith("pkg:pypi/")]
    assert sorted(f"{c['name']}=={c['version']}" for c in packages) == inside["installed"]
    lock = tomllib.loads((ROOT / "uv.lock").read_text())
    locked = {each["name"]: each.get("version") for each in lock["package"]}
    # it names what wrote it, which has to be locked too: the bill is in a layer
    tools = inside["bill"]["metadata"]["tools"]["components"]
    assert {each["name"]: each["version"] for each in tools} == {
        "cyclonedx-py": locked["cyclonedx-bom"],
        "cyclonedx-python-lib": locked["cyclonedx-python-lib"],
    }
    debian = {c["name"] for c in components if c["purl"].startswith("pkg:deb/debian/")}
    assert {"libc6", "openssl"} <= debian


def test_its_labels_say_what_it_is(engine: Engine, image: str) -> None:
    (told,) = json.loads(engine.docker("image", "inspect", f"glideslope-{image}:{VERSION}"))
    labels = told["Config"]["Labels"]
    assert labels["org.opencontainers.image.title"] == f"glideslope-{image}"
    assert labels["org.opencontainers.image.licenses"] == "Apache-2.0"
    assert told["Config"]["User"] == "10001:10001"


def test_with_the_extra_for_msk_it_signs_tokens_for_iam(engine: Engine, built: Stack) -> None:
    image = f"glideslope-ingest:{VERSION}-msk"
    engine.docker(
        *("build", "--quiet", "--tag", image, "--build-arg", "SERVICE=ingest"),
        *("--build-arg", "EXTRAS=msk", "--build-arg", f"BASE={built.settings['IMAGE_BASE']}", ROOT),
        within=900.0,
    )
    keys = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "made-up"}
    said = engine.docker(
        *("run", "--rm", "--network", "none", "--read-only"),
        *(word for name, value in keys.items() for word in ("--env", f"{name}={value}")),
        *("--entrypoint", "python", image, "-c", TOKEN),
    )
    token, bill = json.loads(said)
    signed = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode()
    assert signed.startswith("https://kafka.eu-central-1.amazonaws.com/")
    assert "Action=kafka-cluster%3AConnect" in signed
    assert {"aws-msk-iam-sasl-signer-python", "boto3"} <= set(bill)


def test_made_again_from_nothing_each_layer_has_the_same_bytes(
    engine: Engine, built: Stack
) -> None:
    again = f"glideslope-ingest:{VERSION}-again"
    engine.docker(
        *("build", "--quiet", "--no-cache", "--tag", again, "--build-arg", "SERVICE=ingest"),
        *("--build-arg", f"BASE={built.settings['IMAGE_BASE']}", ROOT),
        within=900.0,
    )
    first, second = (
        json.loads(engine.docker("image", "inspect", name))[0]["RootFS"]["Layers"]
        for name in (f"glideslope-ingest:{VERSION}", again)
    )
    assert first == second
