"""Kubernetes without containers: its real control plane on loopback, and nodes of kwok.

What is scheduled on such a node is ready at once. So admission, scheduling, rollouts, evictions and
disruption budgets are real; no container runs, no probe is asked, no network policy enforced.
"""

import contextlib
import json
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.k8s import tools

TOKEN: Final = "of-the-test-alone"
ZONES: Final = ("a", "b")
NODES: Final = tuple(f"node-{zone}{number}" for zone in ZONES for number in (1, 2))
_ENCRYPTED: Final = "glideslope-encrypted"
_NETWORK: Final = "glideslope.dev/network"
_READY_WITHIN: Final = 120.0
_GONE_WITHIN: Final = 30.0


class Cluster:
    """A cluster that runs. `folder` has its files and the logs of its parts."""

    def __init__(self, folder: Path, helm: Path) -> None:
        self.folder = folder
        self.kubeconfig = folder / "kubeconfig"
        self._helm = helm

    def kubectl(self, *arguments: str, given: str | None = None, check: bool = True) -> str:
        """Run kubectl; return what it said, warnings included."""
        return self._run([str(tools.cache() / "kubectl"), *arguments], given, check=check)

    def helm(self, *arguments: str, check: bool = True) -> str:
        return self._run([str(self._helm), *arguments], None, check=check)

    def get(self, *arguments: str) -> list[dict[str, Any]]:
        """Return the objects that `kubectl get` finds."""
        found: dict[str, Any] = json.loads(self.kubectl("get", "-o", "json", *arguments))
        items: list[dict[str, Any]] = found.get("items", [found])
        return items

    def _run(self, command: list[str], given: str | None, *, check: bool) -> str:
        ran = subprocess.run(
            command,
            input=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            env={
                **os.environ,
                "KUBECONFIG": str(self.kubeconfig),
                "HELM_CACHE_HOME": str(self.folder / "helm"),
                "HELM_CONFIG_HOME": str(self.folder / "helm"),
                "HELM_DATA_HOME": str(self.folder / "helm"),
            },
        )
        assert not check or ran.returncode == 0, f"{' '.join(command)}:\n{ran.stdout}"
        return ran.stdout


def until(happened: Callable[[], bool], what: str, seconds: float = _READY_WITHIN) -> None:
    """Wait for something to be so. Raises `TimeoutError`."""
    deadline = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not so after {seconds:.0f} s: {what}")
        time.sleep(0.2)


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Cluster]:
    """Run a cluster with four nodes in two zones, and the CRDs, until the context ends."""
    helm = tools.helm()
    etcd, apiserver, controllers, scheduler, _, kwok = tools.control_plane()
    crds = tools.crds()
    client, peer, secure, health = _free_ports(4)
    _keys(folder / "pki")
    cluster = Cluster(folder, helm)
    cluster.kubeconfig.write_text(_kubeconfig(f"https://127.0.0.1:{secure}"))
    url = f"http://127.0.0.1:{client}"
    peers = f"http://127.0.0.1:{peer}"
    kubeconfig = f"--kubeconfig={cluster.kubeconfig}"
    with contextlib.ExitStack() as parts:
        start = _starter(folder, parts)
        start(
            etcd,
            f"--data-dir={folder / 'etcd'}",
            f"--listen-client-urls={url}",
            f"--advertise-client-urls={url}",
            f"--listen-peer-urls={peers}",
            f"--initial-advertise-peer-urls={peers}",
            f"--initial-cluster=default={peers}",
            "--unsafe-no-fsync",
        )
        start(
            apiserver,
            f"--etcd-servers={url}",
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            f"--secure-port={secure}",
            f"--cert-dir={folder / 'pki'}",
            f"--service-account-key-file={folder / 'pki' / 'sa.pub'}",
            f"--service-account-signing-key-file={folder / 'pki' / 'sa.key'}",
            "--service-account-issuer=https://kubernetes.default.svc",
            "--service-cluster-ip-range=10.96.0.0/24",
            "--authorization-mode=Node,RBAC",
            f"--token-auth-file={folder / 'pki' / 'tokens.csv'}",
            "--endpoint-reconciler-type=none",
        )
        until(lambda: "ok" in cluster.kubectl("get", "--raw=/readyz", check=False), "API server")
        start(
            controllers,
            kubeconfig,
            f"--service-account-private-key-file={folder / 'pki' / 'sa.key'}",
            "--node-monitor-grace-period=1h",  # kwok beats slower than a loaded machine may need
            "--secure-port=0",
            "--leader-elect=false",
        )
        start(scheduler, kubeconfig, "--secure-port=0", "--leader-elect=false")
        for path in sorted(crds.glob("*.yaml")):
            cluster.kubectl("apply", "--server-side", "-f", str(path))
        stages = f"--config={tools.cache() / 'kwok-stages.yaml'}"
        start(
            kwok,
            kubeconfig,
            stages,
            "--manage-all-nodes=true",
            f"--server-address=127.0.0.1:{health}",
        )
        cluster.kubectl("apply", "-f", "-", given=json.dumps(_furniture()))
        cluster.kubectl("wait", "--for=condition=Ready", "node", "--all", "--timeout=60s")
        cluster.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=60s")
        yield cluster


def _starter(folder: Path, parts: contextlib.ExitStack) -> Callable[..., None]:
    def start(program: Path, *arguments: str) -> None:
        log = parts.enter_context((folder / f"{program.name}.log").open("w"))
        process = subprocess.Popen(
            [str(program), *arguments], stdout=log, stderr=subprocess.STDOUT, cwd=folder
        )
        parts.callback(_end, process)

    return start


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_GONE_WITHIN)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _furniture() -> dict[str, Any]:
    """Return nodes, and volumes that are there to be claimed; on Amazon as Terraform names them."""
    nodes = [
        *(_node(name) for name in NODES),
        *(_node(f"node-out-{zone}1", way_out=True) for zone in ZONES),
    ]
    storage = [
        {
            "apiVersion": "storage.k8s.io/v1",
            "kind": "StorageClass",
            "metadata": {
                "name": name,
                "annotations": {"storageclass.kubernetes.io/is-default-class": is_default},
            },
            "provisioner": "kubernetes.io/no-provisioner",
        }
        for name, is_default in (("there", "true"), (_ENCRYPTED, "false"))
    ]
    volumes = [
        {
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": {"name": f"volume-{number}"},
            "spec": {
                "capacity": {"storage": "500Gi"},
                "accessModes": ["ReadWriteOnce"],
                "storageClassName": "there" if number else _ENCRYPTED,
                "hostPath": {"path": f"/volumes/{number}"},
            },
        }
        for number in range(12)
    ]
    return {"apiVersion": "v1", "kind": "List", "items": [*nodes, *storage, *volumes]}


def _node(name: str, *, way_out: bool = False) -> dict[str, Any]:
    """Return a node. One with a way to the internet takes only who says that he needs it."""
    room = {"cpu": "16", "memory": "64Gi", "pods": "110"}
    out = {"key": _NETWORK, "value": "egress", "effect": "NoSchedule"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "labels": {
                "kubernetes.io/hostname": name,
                "topology.kubernetes.io/zone": name[-2],
                "type": "kwok",
                **({_NETWORK: "egress"} if way_out else {}),
            },
        },
        "spec": {"taints": [out] if way_out else []},
        "status": {"allocatable": room, "capacity": room},
    }


def _keys(folder: Path) -> None:
    folder.mkdir(parents=True)
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    (folder / "sa.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
    )
    (folder / "sa.pub").write_bytes(
        key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
    (folder / "tokens.csv").write_text(f'{TOKEN},admin,admin,"system:masters"\n')


def _kubeconfig(server: str) -> str:
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {"name": "here", "cluster": {"server": server, "insecure-skip-tls-verify": True}}
            ],
            "users": [{"name": "admin", "user": {"token": TOKEN}}],
            "contexts": [{"name": "here", "context": {"cluster": "here", "user": "admin"}}],
            "current-context": "here",
        }
    )


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as held:
        listeners = [
            held.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)
        ]
        return [each.getsockname()[1] for each in listeners]
