"""Jobs that run before the rest of the chart: what they need is there by then."""

from typing import Any

import pytest

from tests.unit.deploy.helm.rendering import CASES, matches, objects


@pytest.mark.parametrize("case", CASES)
def test_a_job_that_runs_before_the_rest_has_all_that_it_needs_by_then(case: str) -> None:
    check_jobs(objects(case))


def test_secrets_of_jobs_that_come_with_the_release_come_before_it() -> None:
    keys = "externalSecrets.secrets."
    given = {
        "externalSecrets.enabled": "true",
        "externalSecrets.store.name": "vault",
        "kafka.external.ca.secret": "tls-ca",
        f"{keys}tls-ca.ca\\.crt.key": "ca",
        f"{keys}kafka-installer.username.key": "installer",
        f"{keys}kafka-ingest.username.key": "ingest",
        f"{keys}review-database.url.key": "review",
    }
    ways = tuple(word for key, value in given.items() for word in ("--set", f"{key}={value}"))
    rendered = objects("external", *ways)
    check_jobs(rendered)
    made = [each["spec"]["target"]["name"] for each in rendered if each["kind"] == "ExternalSecret"]
    copies = {"tls-ca-before", "kafka-installer-before", "review-database-before"}
    assert len(made) == len(set(made))
    assert copies == {each for each in made if each.endswith("-before")}
    [ingest] = [
        each["spec"]["template"]["spec"]
        for each in rendered
        if (each["kind"], each["metadata"]["name"]) == ("Deployment", "gs-glideslope-ingest")
    ]
    assert secrets_of(ingest) == {"tls-ca", "kafka-ingest"}


def check_jobs(rendered: tuple[dict[str, Any], ...]) -> None:
    """Assert that Jobs run first, and that what they need of the release is there before them."""
    hooks = {
        (each["kind"], each["metadata"]["name"]): each
        for each in rendered
        if "helm.sh/hook" in each["metadata"].get("annotations", {}) and each["kind"] != "Pod"
    }
    early = {
        key: int(each["metadata"]["annotations"]["helm.sh/hook-weight"])
        for key, each in hooks.items()
        if each["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"
    }
    assert set(early) == set(hooks)
    with_release = {
        (each["kind"], each["metadata"]["name"])
        for each in rendered
        if (each["kind"], each["metadata"]["name"]) not in hooks
    }
    kinds = {each["kind"] for each in rendered}
    for (kind, name), each in hooks.items():
        if kind != "Job":
            continue
        pod = each["spec"]["template"]
        needs = {("ExternalSecret", secret) for secret in secrets_of(pod["spec"])}
        needs.add(("ServiceAccount", pod["spec"].get("serviceAccountName", "default")))
        assert not needs & with_release, name
        found = needs & set(early)
        if "NetworkPolicy" in kinds:
            [policy] = [
                key
                for key, hook in hooks.items()
                if key[0] == "NetworkPolicy"
                and matches(hook["spec"]["podSelector"], pod["metadata"]["labels"])
            ]
            found.add(policy)
        assert all(early[key] < early[kind, name] for key in found), name


def secrets_of(spec: dict[str, Any]) -> set[str]:
    """Return the names of the Secrets that a pod mounts."""
    found = {each["secret"]["secretName"] for each in spec["volumes"] if "secret" in each}
    projected = [each["projected"] for each in spec["volumes"] if "projected" in each]
    return found | {source["secret"]["name"] for each in projected for source in each["sources"]}
