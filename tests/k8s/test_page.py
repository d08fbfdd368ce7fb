"""What docs/deploy/kubernetes.md says to type, typed."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from deploy.ci.signatures import IMAGES
from tests.k8s import tools
from tests.k8s.cluster import Cluster
from tests.unit.deploy.helm.rendering import SERVICES

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "deploy" / "kubernetes.md").read_text(encoding="utf-8")
NAMESPACE = ("-n", "glideslope")
DIGEST = "sha256:" + "ab" * 32


@pytest.fixture(scope="module")
def desk(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder where the page's file is, and the project's; its first commands were typed there."""
    folder = tmp_path_factory.mktemp("desk")
    for name in ("Makefile", "deploy"):
        (folder / name).symlink_to(ROOT / name)
    [values] = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    (folder / "mine.yaml").write_text(values)
    prepare = next(block for block in blocks() if "create namespace" in block)
    typed(cluster, folder, prepare)
    return folder


def blocks() -> list[str]:
    return re.findall(r"^```sh\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def command(beginning: str) -> str:
    """Return the one line of the page that begins so."""
    lines = [line for block in blocks() for line in block.splitlines()]
    [found] = [line for line in lines if line.startswith(beginning)]
    return found


def typed(cluster: Cluster, folder: Path, script: str) -> str:
    programs = f"{tools.helm().parent}:{tools.cache()}"
    ran = subprocess.run(
        ["sh", "-euc", script],
        cwd=folder,
        env={
            **os.environ,
            "PATH": f"{programs}:{os.environ['PATH']}",
            "KUBECONFIG": str(cluster.kubeconfig),
            "HELM_CACHE_HOME": str(cluster.folder / "helm"),
            "HELM_CONFIG_HOME": str(cluster.folder / "helm"),
            "HELM_DATA_HOME": str(cluster.folder / "helm"),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, f"{script}\n{ran.stdout}"
    return ran.stdout


def images(cluster: Cluster) -> dict[str, str]:
    """Return what each service runs."""
    found = cluster.get("deployments,statefulsets", *NAMESPACE)
    return {
        each["metadata"]["labels"]["app.kubernetes.io/component"]: each["spec"]["template"]["spec"][
            "containers"
        ][0]["image"]
        for each in found
    }


def test_it_is_installed_updated_rolled_back_and_deployed_by_digest(
    cluster: Cluster, desk: Path
) -> None:
    said = typed(cluster, desk, command("helm upgrade --install"))
    assert "STATUS: deployed" in said
    assert set(images(cluster)) == set(SERVICES)
    assert all(each.endswith(":0.2.0") for each in images(cluster).values())

    update = command("helm upgrade --install") + " --set image.tag=0.3.0"
    typed(cluster, desk, update)
    assert all(each.endswith(":0.3.0") for each in images(cluster).values())
    typed(cluster, desk, "helm rollback glideslope --namespace glideslope --wait --timeout 3m")
    assert all(each.endswith(":0.2.0") for each in images(cluster).values())

    # what `make verify-signatures` leaves; tests/signatures is about that
    (desk / "dist").mkdir()
    verified = {block: {"image": {"digest": DIGEST}} for block in IMAGES.values()}
    YAML().dump(verified, desk / "dist" / "verified.yaml")
    typed(cluster, desk, command("make deploy"))
    assert all(each.endswith(f"@{DIGEST}") for each in images(cluster).values())
    registry = "ghcr.io/OWNER/REPOSITORY/glideslope-"
    assert all(each.startswith(registry) for each in images(cluster).values())


def test_its_answer_to_what_does_not_come_up_is_in_the_notes(cluster: Cluster, desk: Path) -> None:
    notes = typed(cluster, desk, "helm get notes glideslope --namespace glideslope")
    assert "/readyz" in notes
