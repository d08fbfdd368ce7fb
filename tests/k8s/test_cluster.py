"""The chart on a real control plane: admitted, installed, upgraded, drained, removed."""

import json
import threading
from typing import Any

import pytest

from tests.k8s.cluster import NODES, ZONES, Cluster, until
from tests.k8s.conftest import NAMESPACE
from tests.unit.deploy.helm.rendering import CASES, CHART, SERVICES, text, workload

IN = ("-n", NAMESPACE)
RELEASE = "gs"
NAME = "gs-glideslope"
# KEDA is not in the cluster, so nobody would ever ask for more than one replica.
VALUES = (
    *("-f", str(CHART / "ci" / "strimzi.yaml")),
    *("--set", "autoscaling.kind=none,audit.replicas=1,ingest.replicas=4,inference.replicas=2"),
)


@pytest.fixture(scope="module")
def installed(cluster: Cluster) -> Cluster:
    cluster.helm("install", RELEASE, str(CHART), *IN, *VALUES, "--wait", "--timeout=3m")
    return cluster


def pods(cluster: Cluster, service: str) -> list[dict[str, Any]]:
    """Return the pods of a service that are not on their way out."""
    found = cluster.get("pods", *IN, "-l", f"app.kubernetes.io/component={service}")
    return [each for each in found if "deletionTimestamp" not in each["metadata"]]


def is_ready(pod: dict[str, Any]) -> bool:
    conditions = pod.get("status", {}).get("conditions", ())
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def ready(cluster: Cluster, service: str) -> list[dict[str, Any]]:
    return [pod for pod in pods(cluster, service) if is_ready(pod)]


@pytest.mark.parametrize("case", CASES)
def test_the_api_server_takes_every_object_without_a_word(cluster: Cluster, case: str) -> None:
    ways = ("apply", "--dry-run=server", "--validate=strict", "-f", "-")
    said = cluster.kubectl(*ways, *IN, given=text(case))
    assert "warning" not in said.lower()
    assert said.count("server dry run") > 20


def test_a_pod_that_would_run_as_root_is_not_let_in(cluster: Cluster) -> None:
    template = workload("external", "ingest")["spec"]["template"]
    spec = {**template["spec"], "serviceAccountName": "default"}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "probe"}, "spec": spec}
    ways = ("create", "--dry-run=server", "-f", "-")
    assert "created" in cluster.kubectl(*ways, *IN, given=json.dumps(pod))
    spec["securityContext"] = {"runAsUser": 0}
    spec["containers"] = [{**spec["containers"][0], "securityContext": {}}]
    said = cluster.kubectl(*ways, *IN, given=json.dumps(pod), check=False)
    assert 'violates PodSecurity "restricted' in said


def test_everything_is_installed_and_ready(installed: Cluster) -> None:
    assert {name: len(ready(installed, name)) for name in SERVICES} == {
        "audit": 1,
        "inference": 2,
        "ingest": 4,
        "review": 2,
        "validator": 2,
    }
    topics = installed.get("kafkatopics", *IN)
    assert {each["spec"]["topicName"] for each in topics} >= {"acme.requests", "acme.results"}


def test_replicas_are_in_every_zone(installed: Cluster) -> None:
    zones = {pod["spec"]["nodeName"][-2] for pod in ready(installed, "ingest")}
    assert zones == set(ZONES)


def test_an_upgrade_replaces_pods_and_never_has_too_few_of_them(installed: Cluster) -> None:
    before = {pod["metadata"]["uid"] for pod in pods(installed, "ingest")}
    fewest, done = [len(before)], threading.Event()

    def watch() -> None:
        while not done.is_set():
            fewest.append(len(ready(installed, "ingest")))

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        new = ("--set", "image.tag=0.2.0")
        installed.helm("upgrade", RELEASE, str(CHART), *IN, *VALUES, *new, "--wait", "--timeout=3m")
    finally:
        done.set()
        watching.join()
    after = pods(installed, "ingest")
    assert len(fewest) > 3
    assert min(fewest) >= 4, "maxUnavailable is 0: one more comes before one goes"
    assert before.isdisjoint(pod["metadata"]["uid"] for pod in after)
    assert all(pod["spec"]["containers"][0]["image"].endswith(":0.2.0") for pod in after)


def test_a_rollback_brings_the_former_image_back(installed: Cluster) -> None:
    installed.helm("rollback", RELEASE, "1", *IN, "--wait", "--timeout=3m")
    for service in SERVICES:
        images = {pod["spec"]["containers"][0]["image"] for pod in ready(installed, service)}
        assert len(images) == 1
        assert images.pop().endswith(":0.1.0")


def test_a_second_pod_is_not_evicted_before_the_first_is_back(installed: Cluster) -> None:
    first, second, *_ = (pod["metadata"]["name"] for pod in ready(installed, "ingest"))
    installed.kubectl("cordon", *NODES)  # nothing can come back
    try:
        assert "Success" in evict(installed, first)
        until(lambda: len(ready(installed, "ingest")) == 3, "one is gone")
        said = evict(installed, second)
        assert "disruption budget" in said
    finally:
        installed.kubectl("uncordon", *NODES)
    until(lambda: len(ready(installed, "ingest")) == 4, "one came back")


def test_replicas_of_audit_are_on_one_node_and_move_together(installed: Cluster) -> None:
    installed.kubectl("scale", *IN, "statefulset", f"{NAME}-audit", "--replicas=3")
    until(lambda: len(ready(installed, "audit")) == 3, "three replicas of audit")
    [node] = {pod["spec"]["nodeName"] for pod in ready(installed, "audit")}
    ways = ("--ignore-daemonsets", "--delete-emptydir-data", "--timeout=90s")
    installed.kubectl("drain", node, *ways)
    try:
        until(lambda: len(ready(installed, "audit")) == 3, "audit on another node")
        [other] = {pod["spec"]["nodeName"] for pod in ready(installed, "audit")}
        assert other != node
        for service in SERVICES:
            assert node not in {pod["spec"]["nodeName"] for pod in ready(installed, service)}
    finally:
        installed.kubectl("uncordon", node)


def test_an_uninstall_leaves_what_cannot_be_made_again_and_an_install_takes_it_up(
    installed: Cluster,
) -> None:
    claim = installed.get("pvc", f"{NAME}-audit", *IN)[0]["metadata"]["uid"]
    installed.helm("uninstall", RELEASE, *IN, "--wait", "--timeout=3m")
    until(lambda: not installed.get("pods", *IN), "pods are collected after their owners")
    left = {
        each["kind"]
        for kind in (
            *("deployments", "statefulsets", "services", "ingresses", "jobs", "pvc"),
            *("networkpolicies", "poddisruptionbudgets", "prometheusrules", "servicemonitors"),
            *("kafkas", "kafkanodepools", "kafkatopics", "kafkausers", "configmaps"),
        )
        for each in installed.get(kind, *IN)
        if each["metadata"]["name"] not in {"kube-root-ca.crt", "kubernetes"}
    }
    assert left == {"PersistentVolumeClaim", "Kafka", "KafkaNodePool", "KafkaTopic"}
    installed.helm("install", RELEASE, str(CHART), *IN, *VALUES, "--wait", "--timeout=3m")
    assert installed.get("pvc", f"{NAME}-audit", *IN)[0]["metadata"]["uid"] == claim
    assert len(ready(installed, "audit")) == 1


def test_what_jobs_need_comes_before_them_and_goes_with_them(cluster: Cluster) -> None:
    values = ("-f", str(CHART / "ci" / "aws.yaml"), "--set", "autoscaling.kind=none")
    for verb in ("install", "upgrade"):
        cluster.helm(verb, "cloud", str(CHART), *IN, *values, "--wait", "--timeout=3m")
        hooks = json.loads(cluster.helm("status", "cloud", *IN, "-o", "json"))["hooks"]
        ran = {f"{each['kind']} {each['name']}": each["last_run"] for each in hooks}
        assert ran.pop("Pod cloud-glideslope-status")["phase"] == ""
        assert {each["phase"] for each in ran.values()} == {"Succeeded"}
        jobs = [each for name, each in ran.items() if name.startswith("Job")]
        others = [each for name, each in ran.items() if not name.startswith("Job")]
        assert (len(jobs), len(others)) == (2, 4)
        assert max(each["completed_at"] for each in others) <= min(
            each["started_at"] for each in jobs
        )
        of = (*IN, "-l", "app.kubernetes.io/instance=cloud")
        left = {
            each["metadata"]["name"].removeprefix("cloud-glideslope-")
            for kind in ("externalsecrets", "networkpolicies", "jobs")
            for each in cluster.get(kind, *of)
        }
        assert left == {"review-database", "review-oidc", "default-deny", "command-line", *SERVICES}
        assert ready(cluster, "review")
    cluster.helm("uninstall", "cloud", *IN, "--wait", "--timeout=3m")


def evict(cluster: Cluster, pod: str) -> str:
    eviction = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": pod, "namespace": NAMESPACE},
    }
    path = f"/api/v1/namespaces/{NAMESPACE}/pods/{pod}/eviction"
    ways = ("create", "--raw", path, "-f", "-")
    return cluster.kubectl(*ways, given=json.dumps(eviction), check=False)
