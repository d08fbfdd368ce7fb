"""What the chart makes of values: sound objects, the least rights, no way to set it up wrong."""

import json
import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
from ruamel.yaml import YAML

from glideslope import chart, declarations
from glideslope.access.principals import principals
from glideslope.access.strimzi import kafka_users
from glideslope.topics import configuration
from shared import topics
from shared.settings import Settings
from tests.k8s import tools
from tests.unit.deploy.helm.rendering import (
    CASES,
    CHART,
    SERVICES,
    WORKLOADS,
    matches,
    named,
    objects,
    of_kind,
    pods,
    run,
    template,
    text,
    workload,
)

ROOT = CHART.parents[2]
GOLDEN = Path(__file__).parent / "golden"


@cache  # and not while tests are collected, which each worker does
def declared() -> dict[str, declarations.Declaration]:
    return {each.name: each for each in declarations.found()}


# What is no setting of ours: uvicorn reads it.
FOREIGN = {"FORWARDED_ALLOW_IPS"}


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> str:
    return str(request.param)


# ── Sound ─────────────────────────────────────────────────────────────────────────────────────


def test_labels_are_text_where_a_name_reads_as_a_number_or_a_truth_value() -> None:
    rendered = run(
        "template",
        "1",
        str(CHART),
        "-n",
        "answers",
        "-f",
        str(CHART / "ci" / f"{CASES[0]}.yaml"),
        "--set-string",
        "nameOverride=true",
    )
    labels = [
        each["metadata"].get("labels", {})
        for each in YAML(typ="safe").load_all(rendered.stdout)
        if each
    ]
    assert labels
    assert {type(value) for each in labels for value in each.values()} == {str}
    assert {each["app.kubernetes.io/instance"] for each in labels if each} == {"1"}


def test_helm_finds_nothing_wrong(case: str) -> None:
    linted = run("lint", "--strict", str(CHART), "-f", str(CHART / "ci" / f"{case}.yaml"))
    assert linted.returncode == 0, linted.stdout


def test_objects_are_what_kubernetes_takes_and_no_more() -> None:
    version = tools.KUBERNETES.rsplit(".", 1)[0]
    kinds: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for case in CASES:
        for each in objects(case):
            group = each["apiVersion"].rpartition("/")[0]
            if "." not in group or group.endswith(".k8s.io"):
                kinds.setdefault((each["apiVersion"], each["kind"]), []).append(each)
    for (api, kind), found in kinds.items():  # as lists: the schemas are read once a kind
        listed = {"apiVersion": api, "kind": f"{kind}List", "items": found}
        kubernetes_validate.validate(listed, version, strict=True)
    assert len(kinds) > 10


@pytest.mark.parametrize("case", ["external", "aws", "strimzi"])
def test_what_is_rendered_is_what_was_looked_at(case: str) -> None:
    parts = [
        part
        for part in re.split(r"^---\n", text(case), flags=re.MULTILINE)
        if not re.search(r"^kind: Kafka(Topic|User)$", part, re.MULTILINE)  # pipeline.yaml has them
    ]
    path, rendered = GOLDEN / f"{case}.yaml", "---\n".join(parts)
    if os.environ.get("GLIDESLOPE_GOLDEN") == "write":
        path.parent.mkdir(exist_ok=True)
        path.write_text(rendered)
    assert path.read_text() == rendered, "look at the difference after `make golden`, commit it"


def test_what_the_chart_knows_of_the_pipeline_is_as_the_code_is() -> None:
    written = (CHART / "files" / "pipeline.yaml").read_text(encoding="utf-8")
    assert written == chart.page(list(declared().values())), "run `make docs`"


def test_every_block_of_values_is_explained() -> None:
    readme = (CHART / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^(\w+):", (CHART / "values.yaml").read_text(), re.MULTILINE)
    assert len(blocks) > 10
    assert [each for each in blocks if f"`{each}" not in readme] == []


# ── Pods ──────────────────────────────────────────────────────────────────────────────────────


def test_no_container_runs_as_root_writes_its_image_or_gains_rights(case: str) -> None:
    for owner, pod in pods(case).items():
        spec = pod["spec"]
        assert spec["securityContext"]["runAsNonRoot"] is True, owner
        assert spec["securityContext"]["runAsUser"] == 10001, owner
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, owner
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(spec), owner
        for container in (*spec["containers"], *spec.get("initContainers", ())):
            secured = container["securityContext"]
            assert secured["allowPrivilegeEscalation"] is False, owner
            assert secured["readOnlyRootFilesystem"] is True, owner
            assert secured["capabilities"] == {"drop": ["ALL"]}, owner
            assert {"requests", "limits"} <= set(container["resources"]), owner


def test_no_pod_has_a_token_of_kubernetes_and_each_service_is_somebody(case: str) -> None:
    assert all(pod["spec"]["automountServiceAccountToken"] is False for pod in pods(case).values())
    accounts = [each["metadata"]["name"] for each in of_kind(case, "ServiceAccount")]
    used = [
        workload(case, name)["spec"]["template"]["spec"]["serviceAccountName"] for name in SERVICES
    ]
    assert len(set(used)) == len(SERVICES)
    assert set(used) <= set(accounts)


def test_a_pod_may_live_until_it_has_drained(case: str) -> None:
    for name in SERVICES:
        spec = workload(case, name)["spec"]["template"]["spec"]
        [container] = spec["containers"]
        grace = float(environment(container)["GLIDESLOPE_GRACE_SECONDS"])
        waits = container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
        assert spec["terminationGracePeriodSeconds"] >= grace + waits + 10


def test_probes_ask_what_a_service_answers(case: str) -> None:
    for name in SERVICES:
        [container] = workload(case, name)["spec"]["template"]["spec"]["containers"]
        ports = {port["name"]: port["containerPort"] for port in container["ports"]}
        asked = {
            probe: container[f"{probe}Probe"]["httpGet"]["path"]
            for probe in ("startup", "liveness", "readiness")
        }
        assert asked == {"startup": "/livez", "liveness": "/livez", "readiness": "/readyz"}
        assert str(ports["health"]) == environment(container)["GLIDESLOPE_HEALTH_PORT"]


def test_a_service_is_told_only_settings_that_it_has_and_understands(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in SERVICES:
        spec = workload(case, name)["spec"]["template"]["spec"]
        told = environment(spec["containers"][0])
        settings = settings_of(case, name, tmp_path, monkeypatch)
        variables = {settings.variable(field) for field in type(settings).model_fields}
        assert set(told) - variables - FOREIGN == set()
        assert secret_files(spec) <= variables
        assert settings.partitions >= (workload(case, name)["spec"].get("replicas") or 1)
        assert settings.home == Path("/var/lib/glideslope")


def test_what_a_service_calls_its_own_it_can_write_though_its_root_is_read_only(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every path that its settings know of, but for what is mounted for it to read."""
    for name in SERVICES:
        spec = workload(case, name)["spec"]["template"]["spec"]
        known = paths(settings_of(case, name, tmp_path, monkeypatch))
        mounts = spec["containers"][0]["volumeMounts"]
        given = [Path(each["mountPath"]) for each in mounts if each.get("readOnly")]
        own = {each for each in known if not any(map(each.is_relative_to, (*given, tmp_path)))}
        assert Path("/var/lib/glideslope") in own, name
        writable = writable_places(spec, name)
        assert [each for each in own if not any(map(each.is_relative_to, writable))] == [], name


def test_what_a_service_could_write_in_compose_it_can_write_here(case: str) -> None:
    """`make compose-test` has run it so, on a read-only root."""
    compose = YAML(typ="safe").load(ROOT / "docker-compose.yml")["services"]
    for name in SERVICES:
        part = compose[name]
        named = [each.split(":")[1:] for each in part.get("volumes", ())]
        there = [each.split(":")[0] for each in part["tmpfs"]]
        there += [where for where, *mode in named if mode != ["ro"]]
        spec = workload(case, name)["spec"]["template"]["spec"]
        assert {Path(each) for each in there} <= writable_places(spec, name), name


def test_a_job_can_write_where_it_is_told_that_its_home_is(case: str) -> None:
    for owner, pod in pods(case).items():
        spec = pod["spec"]
        home = Path(environment(spec["containers"][0])["GLIDESLOPE_HOME"])
        service = owner.rpartition("-")[2]
        assert any(map(home.is_relative_to, writable_places(spec, service))), owner


def test_secrets_are_files_by_reference_and_in_no_environment(case: str) -> None:
    assert of_kind(case, "Secret") == []
    for pod in pods(case).values():
        for container in pod["spec"]["containers"]:
            assert not container.get("envFrom")
            for variable in container["env"]:
                assert "secretKeyRef" not in variable.get("valueFrom", {})
                assert not re.search(r"PASSWORD$|_SECRET$|API_KEY$", variable["name"])


def test_what_is_mounted_is_there(case: str) -> None:
    for owner, pod in pods(case).items():
        spec = pod["spec"]
        volumes = {each["name"] for each in spec.get("volumes", ())}
        if owner == "StatefulSet gs-glideslope-inference":
            volumes.add("home")  # of its volumeClaimTemplates
        for container in spec["containers"]:
            mounted = [each["name"] for each in container["volumeMounts"]]
            assert set(mounted) == volumes, owner
            assert len(mounted) == len(set(mounted)), owner


def test_audit_keeps_its_volume_and_its_replicas_share_one_node() -> None:
    audit = workload("strimzi", "audit")
    assert audit["kind"] == "StatefulSet"
    spec = audit["spec"]["template"]["spec"]
    claims = [
        each["persistentVolumeClaim"] for each in spec["volumes"] if "persistent" in str(each)
    ]
    assert claims == [{"claimName": "gs-glideslope-audit"}]
    [term] = spec["affinity"]["podAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    assert term["topologyKey"] == "kubernetes.io/hostname"
    assert matches(term["labelSelector"], audit["spec"]["template"]["metadata"]["labels"])


def test_what_cannot_be_made_again_outlives_the_release() -> None:
    kept = {
        each["kind"]
        for each in objects("strimzi")
        if each["metadata"].get("annotations", {}).get("helm.sh/resource-policy") == "keep"
    }
    assert kept == {"PersistentVolumeClaim", "Kafka", "KafkaNodePool", "KafkaTopic"}


def test_all_replicas_together_spend_no_more_than_a_budget() -> None:
    deployed = environment(container_of("aws", "inference"))
    kept = environment(container_of("strimzi", "inference"))
    assert (
        float(deployed["GLIDESLOPE_BUDGET_SHARE"]) * (24 + 1) <= 1
    )  # one more in a rolling update
    assert float(kept["GLIDESLOPE_BUDGET_SHARE"]) * 8 <= 1


def test_a_secret_of_any_name_can_be_mounted() -> None:
    long = "tmp." * 63  # as long as a Secret's name may be, and longer than a volume's
    mounts = [{"secret": name, "path": f"/run/{name}"} for name in ("tmp", f"{long}x", "home")]
    rendered = objects("external", "--set-json", f"inference.mounts={json.dumps(mounts)}")
    version = tools.KUBERNETES.rsplit(".", 1)[0]
    [inference] = [
        each
        for each in rendered
        if (each["kind"], each["metadata"]["name"]) == ("Deployment", "gs-glideslope-inference")
    ]
    kubernetes_validate.validate(inference, version, strict=True)
    spec = inference["spec"]["template"]["spec"]
    of = {each["name"]: each.get("secret", {}).get("secretName") for each in spec["volumes"]}
    assert len(of) == len(spec["volumes"])
    assert all(re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", name) for name in of)
    told = {each["mountPath"]: of[each["name"]] for each in spec["containers"][0]["volumeMounts"]}
    assert told.items() >= {each["path"]: each["secret"] for each in mounts}.items()


# ── On AWS ────────────────────────────────────────────────────────────────────────────────────


def test_on_aws_pods_take_roles_by_pod_identity_and_may_reach_its_agent() -> None:
    for account in of_kind("aws", "ServiceAccount"):
        assert "eks.amazonaws.com/role-arn" not in account["metadata"].get("annotations", {})
    for policy in of_kind("aws", "NetworkPolicy"):
        if policy["metadata"]["name"].endswith(("default-deny", "migration")):
            continue
        ways = [
            way["ports"]
            for way in policy["spec"]["egress"]
            if {"ipBlock": {"cidr": "169.254.170.23/32"}} in way["to"]
        ]
        assert ways == [[{"protocol": "TCP", "port": 80}]], policy["metadata"]["name"]


def test_on_aws_the_page_has_a_certificate_that_an_alb_can_serve_and_the_way_to_sign_in() -> None:
    [ingress] = of_kind("aws", "Ingress")
    told = ingress["metadata"]["annotations"]
    assert told["alb.ingress.kubernetes.io/target-type"] == "ip"
    assert told["alb.ingress.kubernetes.io/certificate-arn"].startswith("arn:aws:acm:")
    assert "secretName" not in ingress["spec"]["tls"][0]
    # what the load balancer asks for its health, it may reach
    port = int(told["alb.ingress.kubernetes.io/healthcheck-port"])
    assert (
        port
        == {each["name"]: each["containerPort"] for each in container_of("aws", "review")["ports"]}[
            "health"
        ]
    )
    [health, page] = named("aws", "NetworkPolicy", "gs-glideslope-review")["spec"]["ingress"]
    assert all(each in health["from"] for each in page["from"])
    placed = [
        name
        for name in SERVICES
        if workload("aws", name)["spec"]["template"]["spec"].get("tolerations")
    ]
    assert placed == ["review"]


# ── Scaling, disruption ───────────────────────────────────────────────────────────────────────


def test_a_service_scales_on_the_lag_of_its_own_group(case: str) -> None:
    for scaled in of_kind(case, "ScaledObject"):
        target = scaled["spec"]["scaleTargetRef"]
        found = named(case, target["kind"], target["name"])
        service = found["metadata"]["labels"]["app.kubernetes.io/component"]
        prefix = environment(container_of(case, service)).get("GLIDESLOPE_TOPIC_PREFIX", "")
        consumed = {f"{prefix}{topic.name}" for topic in declared()[service].receives}
        for trigger in scaled["spec"]["triggers"]:
            assert trigger["metadata"]["consumerGroup"] == f"{prefix}{service}"
            assert trigger["metadata"].get("topic") in {*consumed, None}
        assert "replicas" not in found["spec"], "an upgrade would undo what KEDA did"


def test_without_keda_a_service_scales_by_cpu_and_with_it_by_lag() -> None:
    assert {each["kind"] for each in objects("external")} >= {"HorizontalPodAutoscaler"}
    with_keda = objects("external", "--api-versions", "keda.sh/v1alpha1")
    kinds = {each["kind"] for each in with_keda}
    assert "ScaledObject" in kinds
    assert "HorizontalPodAutoscaler" not in kinds


def test_a_node_can_always_be_drained(case: str) -> None:
    for budget in of_kind(case, "PodDisruptionBudget"):
        assert budget["spec"]["maxUnavailable"] not in {0, "0%"}
        assert budget["spec"]["unhealthyPodEvictionPolicy"] == "AlwaysAllow"


def test_selectors_find_the_pods_that_they_are_for(case: str) -> None:
    labels = [pod["metadata"]["labels"] for pod in pods(case).values()]
    for each in of_kind(case, "PodDisruptionBudget", "NetworkPolicy", "Service", *WORKLOADS):
        selector = each["spec"].get("podSelector", each["spec"].get("selector"))
        assert any(matches(selector, some) for some in labels), each["metadata"]["name"]


# ── Network ───────────────────────────────────────────────────────────────────────────────────


def test_every_way_out_is_justified(case: str) -> None:
    for policy in of_kind(case, "NetworkPolicy"):
        ways = policy["spec"].get("egress", [])
        reasons = policy["metadata"].get("annotations", {}).get("glideslope/egress", "")
        assert len(ways) == len([each for each in reasons.split("; ") if each]), policy
        for way in (*ways, *policy["spec"].get("ingress", [])):
            assert way.get("ports"), f"every port: {policy['metadata']['name']}"
            assert way.get("to", way.get("from")), f"everywhere: {policy['metadata']['name']}"
            assert "0.0.0.0/0" not in str(way)


def test_every_pod_is_denied_what_its_own_policy_does_not_name() -> None:
    policies = of_kind("strimzi", "NetworkPolicy")
    [deny] = [each for each in policies if each["metadata"]["name"].endswith("default-deny")]
    assert deny["spec"]["policyTypes"] == ["Ingress", "Egress"]
    assert not {"ingress", "egress"} & set(deny["spec"])
    for owner, pod in pods("strimzi").items():
        labels = pod["metadata"]["labels"]
        found = [each for each in policies if matches(each["spec"]["podSelector"], labels)]
        assert deny in found, owner
        assert len(found) == 2, owner


def test_where_nobody_scrapes_nobody_comes_in() -> None:
    rendered = objects("external", "--set-json", "networkPolicy.scrapers=[]")
    ways = [each["spec"].get("ingress") for each in rendered if each["kind"] == "NetworkPolicy"]
    assert len(ways) > len(SERVICES)
    assert not any(ways)


def test_the_schema_says_nothing_that_is_not_heard() -> None:
    """Of draft 7, beside `$ref`: whoever reads the schema would believe it, and Helm ignores it."""

    def unheard(part: object) -> Iterator[object]:
        if isinstance(part, dict):
            if "$ref" in part and set(part) - {"$ref", "description"}:
                yield part
            part = list(part.values())
        if isinstance(part, list):
            for each in part:
                yield from unheard(each)

    schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
    assert list(unheard(schema)) == []


def test_only_those_who_are_told_of_something_may_reach_it() -> None:
    reach = {
        each["metadata"]["name"].removeprefix("gs-glideslope-"): str(each["spec"].get("egress"))
        for each in of_kind("strimzi", "NetworkPolicy")
    }
    assert [name for name, ways in reach.items() if "5432" in ways] == ["review", "migration"]
    assert [name for name, ways in reach.items() if "6333" in ways] == ["inference"]
    assert "9093" not in reach["migration"]


# ── Kafka ─────────────────────────────────────────────────────────────────────────────────────


def test_topics_are_those_of_the_pipeline() -> None:
    rendered = {
        each["spec"]["topicName"]: each["spec"] for each in of_kind("strimzi", "KafkaTopic")
    }
    assert set(rendered) == {f"acme.{topic.name}" for topic in topics.ALL}
    for topic in topics.ALL:
        spec = rendered[f"acme.{topic.name}"]
        assert spec["config"] == configuration(topic, 3)
        assert (spec["partitions"], spec["replicas"]) == (12, 3)


def test_users_have_the_rights_that_services_declare_and_no_more() -> None:
    settings = Settings.model_construct(topic_prefix="acme.")
    declared = {
        each["metadata"]["name"]: each["spec"]["authorization"]["acls"]
        for each in kafka_users(principals(settings), "", "scram-sha-512")
    }
    rendered = {
        each["metadata"]["name"]: each["spec"]["authorization"]["acls"]
        for each in of_kind("strimzi", "KafkaUser")
    }
    roles = {f"gs-glideslope-{each}": each for each in (*SERVICES, "operator", "scaler")}
    roles |= {"research-desk": "asker", "jo": "releaser"}
    assert set(rendered) == set(roles)
    for name, role in roles.items():
        assert rendered[name] == declared[role]


def test_a_service_logs_on_as_its_own_user() -> None:
    for service in SERVICES:
        spec = workload("strimzi", service)["spec"]["template"]["spec"]
        user = named("strimzi", "KafkaUser", f"gs-glideslope-{service}")["metadata"]["name"]
        told = environment(spec["containers"][0])
        assert told["KAFKA_SASL_USERNAME"] == user
        [secrets] = [each for each in spec["volumes"] if each["name"] == "secrets"]
        assert secrets["projected"]["sources"][0]["secret"]["name"] == user


def test_objects_that_strimzi_makes_are_called_as_the_chart_believes() -> None:
    cluster = of_kind("strimzi", "Kafka")[0]["metadata"]["name"]
    spec = workload("strimzi", "audit")["spec"]["template"]["spec"]
    told = environment(spec["containers"][0])
    assert told["KAFKA_BOOTSTRAP_SERVERS"] == f"{cluster}-kafka-bootstrap.answers.svc:9093"
    [ca] = [each for each in spec["volumes"] if each["name"] == "kafka-ca"]
    assert ca["secret"]["secretName"] == f"{cluster}-cluster-ca-cert"


def test_what_strimzi_runs_is_let_into_a_namespace_of_restricted_pods() -> None:
    """Which docs/deploy/kubernetes.md makes; Strimzi's own default asks for less."""
    pools = [each["spec"]["template"] for each in of_kind("strimzi", "KafkaNodePool")]
    [kafka] = of_kind("strimzi", "Kafka")
    secured = [pool[name] for pool in pools for name in ("initContainer", "kafkaContainer")]
    operators = kafka["spec"]["entityOperator"]["template"]
    secured += [operators[f"{name}OperatorContainer"] for name in ("topic", "user")]
    assert len(secured) == 2 * len(pools) + 2 == 6
    for each in secured:
        assert each["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "runAsNonRoot": True,
            "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        }


# ── Alerts ────────────────────────────────────────────────────────────────────────────────────


def test_alerts_ask_for_metrics_and_labels_that_there_are() -> None:
    page = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    known: dict[str, set[str]] = {}
    for row in re.findall(r"^\| `(\w+)`<br>[^|]*\|[^|]*\|([^|]*)\|", page, re.MULTILINE):
        known[row[0]] = set(re.findall(r"`([\w.]+)`", row[1]))
    [rule] = of_kind("strimzi", "PrometheusRule")
    target = {"namespace", "pod", "instance", "job", "le", "service_name"}
    for group in rule["spec"]["groups"]:
        for alert in group["rules"]:
            asked = set(re.findall(r"\b(?:glideslope|gen_ai)_\w+", alert["expr"]))
            metrics = {each.removesuffix("_bucket") for each in asked}
            assert metrics <= set(known), alert["alert"]
            grouped = re.findall(r"(?:by|on) \(([^)]*)\)", alert["expr"])
            labels = {each.strip() for some in grouped for each in some.split(",")}
            assert labels <= target.union(*(known[each] for each in metrics)), alert["alert"]
            assert alert["annotations"]["action"]


# ── Refusals ──────────────────────────────────────────────────────────────────────────────────


SIGN_IN = (
    "review.ingress.enabled=true",
    "review.ingress.host=review.acme.example",
    "review.oidc.issuer=https://login.acme.example",
    "review.oidc.clientId=glideslope",
)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["ingest.autoscaling.maxReplicas=13"], "ingest may have 13 replicas, and there are 12"),
        (["autoscaling.kind=none", "review.replicas=13"], "review may have 13 replicas"),
        (["kafka.partitions=4"], "there are 4 partitions"),
        (["validator.autoscaling.minReplicas=9"], "minReplicas is above maxReplicas"),
        (["kafka.external.bootstrapServers="], "say where Kafka is"),
        (["kafka.external.users.audit.secret="], "kafka.external.users.audit.secret"),
        (["kafka.external.authentication=msk-iam"], "kafka.external.awsRegion"),
        (
            ["kafka.external.authentication=msk-iam", "kafka.external.awsRegion=eu-central-1"],
            "networkPolicy.egress: with msk-iam every service must reach",
        ),
        (["kafka.external.brokers.to=null"], "kafka.external.brokers.to"),
        (["kafka.external.tls=false"], "SCRAM is for TLS alone"),
        (["networkPolicy.dns.to=null"], "nobody would mean everybody"),
        (
            [
                *("review.ingress.enabled=true", "review.ingress.host=x.example"),
                *("review.ingress.tlsSecret=x", "review.ingress.from=null"),
                *("review.oidc.issuer=https://x.example", "review.oidc.clientId=x"),
            ],
            "review.ingress.from: say who",
        ),
        (
            ["networkPolicy.scrapers=null", "monitoring.serviceMonitor.enabled=true"],
            "say where Prometheus is",
        ),
        (["review.database.secret.name="], "review.database.secret.name"),
        (["review.ingress.enabled=true"], "host and tlsSecret must be set"),
        (
            [*SIGN_IN, "review.ingress.className=alb", "review.ingress.tlsSecret=review-tls"],
            "an ALB needs alb.ingress.kubernetes.io/certificate-arn, for it serves no Secret",
        ),
        (["audit.masterKey.secret.name="], "openssl rand -base64 32"),
        (["audit.masterKey.kmsKeyId=alias/x"], "not both"),
        (["audit.s3.bucket=acme"], "audit.egress: audit may not reach S3"),
        (["inference.qdrant.url=http://qdrant:6333"], "may not reach the Qdrant server"),
        (["settings.GLIDESLOPE_HOME=/data"], "follows from other values"),
        (["review.settings.GLIDESLOPE_REVEIW_URL=x"], "is no setting of review"),
        (["settings.GLIDESLOPE_RELEASE=x"], "no setting that all services have"),
        (
            ["inference.settings.GLIDESLOPE_QDRANT_API_KEY=x"],
            "is a secret: put it into a Secret, and name that in inference.secrets",
        ),
        (["inference.providers.a.kind=openai", "inference.providers.a.api_key=sk"], "providers"),
        (
            ["inference.providers.a.kind=openai", "inference.providers.a.headers.x-token=s"],
            "inference.providers.a.headers: a header may be a secret",
        ),
        (["validator.judges.a.headers.x=s"], "name the file in headers_file"),
        (
            ["validator.judges.a.base_url=https://jo@x.example/v1"],
            "name the file in api_key_file",
        ),
        (["ingset.replicas=3"], "ingset"),
        (["audit.maxUnavailable=1"], "maxUnavailable"),  # its node is drained of all of them
        (["ingest.replicas=0"], "/ingest/replicas"),
        (["kafka.strimzi.users[0].name=jo", "kafka.strimzi.users[0].role=boss"], "auditor"),
        (["audit.volume.accessMode=ReadWriteMany"], "accessMode"),
    ],
)
def test_values_that_would_go_wrong_are_refused(given: list[str], said: str) -> None:
    refused = template("external", *(word for each in given for word in ("--set", each)))
    assert refused.returncode != 0
    assert said in refused.stderr


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("networkPolicy.dns.to=[]", "/networkPolicy/dns/to"),
        ("review.ingress.from=[]", "/review/ingress/from"),
        ('ingest.egress=[{"reason": "whatever", "to": [], "ports": [443]}]', "/ingest/egress/0/to"),
    ],
)
def test_a_list_of_peers_that_would_mean_everybody_is_refused(value: str, said: str) -> None:
    refused = template("external", "--set-json", value)
    assert refused.returncode != 0
    assert said in refused.stderr


def environment(container: dict[str, Any]) -> dict[str, str]:
    """Return what is told, and a name in the place of what Kubernetes puts in."""
    return {each["name"]: each.get("value", "pod-0") for each in container["env"]}


def settings_of(case: str, name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Return what a service makes of what the chart tells it; its secrets are below `folder`."""
    spec = workload(case, name)["spec"]["template"]["spec"]
    secrets = folder / name
    secrets.mkdir()
    for variable in secret_files(spec):
        (secrets / variable).write_text("a-secret")
    told = environment(spec["containers"][0])
    with monkeypatch.context() as patched:
        for variable in [each for each in os.environ if "GLIDESLOPE_" in each]:
            patched.delenv(variable)
        for variable, value in (told | {"GLIDESLOPE_SECRETS_FOLDER": str(secrets)}).items():
            patched.setenv(variable, value)
        return declared()[name].settings()


def paths(settings: Settings) -> set[Path]:
    """Return every path that settings hold or that follows from them."""
    derived = [
        name
        for each in type(settings).__mro__
        if each.__module__.startswith(("shared.", "services."))
        for name, value in vars(each).items()
        if isinstance(value, property)
    ]
    values = [getattr(settings, name) for name in (*type(settings).model_fields, *derived)]
    return {each for each in values if isinstance(each, Path)}


def writable_places(spec: dict[str, Any], service: str) -> set[Path]:
    """Return where a pod may write: its volumes in memory or on a disk."""
    kinds = {"emptyDir", "persistentVolumeClaim"}
    volumes = {each["name"] for each in spec["volumes"] if kinds & set(each)}
    if service == "inference" and "home" not in {each["name"] for each in spec["volumes"]}:
        volumes.add("home")  # of its volumeClaimTemplates
    mounts = spec["containers"][0]["volumeMounts"]
    return {
        Path(each["mountPath"])
        for each in mounts
        if each["name"] in volumes and not each.get("readOnly")
    }


def container_of(case: str, service: str) -> dict[str, Any]:
    container: dict[str, Any] = workload(case, service)["spec"]["template"]["spec"]["containers"][0]
    return container


def secret_files(spec: dict[str, Any]) -> set[str]:
    [secrets] = [each["projected"] for each in spec["volumes"] if each["name"] == "secrets"]
    return {item["path"] for source in secrets["sources"] for item in source["secret"]["items"]}
