"""What must hold of the workflows, whoever edits them. actionlint and zizmor look at the rest."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from tests.k8s import tools

ROOT = Path(__file__).parents[4]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
BY_A_PERSON = re.compile(r"\$\{\{\s*(inputs|github\.event)\.")


@cache
def workflow(name: str) -> dict[str, Any]:
    return dict(YAML(typ="safe").load(ROOT / ".github" / "workflows" / f"{name}.yml"))


def jobs(name: str) -> dict[str, Any]:
    return dict(workflow(name)["jobs"])


def steps(name: str, job: str) -> list[dict[str, Any]]:
    return list(jobs(name)[job].get("steps", ()))


def every_step() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path in WORKFLOWS:
        for job in jobs(path.stem):
            for step in steps(path.stem, job):
                yield path.stem, job, step


def secrets(step: dict[str, Any]) -> list[str]:
    return [value for value in step.get("env", {}).values() if "secrets." in str(value)]


def test_what_a_person_types_is_in_no_line_that_make_or_a_shell_expands() -> None:
    for name, job, step in every_step():
        around = {**workflow(name).get("env", {}), **jobs(name)[job].get("env", {})}
        for variable, value in {**around, **step.get("env", {})}.items():
            if BY_A_PERSON.search(str(value)):
                given = rf"\bmake\b.*=.*\$\{{?{variable}\b"
                assert not re.search(given, step.get("run", "")), (name, job, variable)


def test_a_runner_is_not_named_by_a_variable_that_an_environment_has() -> None:
    """Such are not there yet when a runner is looked for: github/docs#33389."""
    for path in WORKFLOWS:
        for job in jobs(path.stem).values():
            if "environment" in job:
                assert "vars." not in job["runs-on"]


def test_the_kubeconfig_is_in_the_step_alone_that_runs_what_was_verified_before() -> None:
    deploys = steps("deploy-to", "deploy")
    [with_secrets] = [index for index, step in enumerate(deploys) if secrets(step)]
    [verifies] = [
        index for index, step in enumerate(deploys) if "make verify-sig" in step.get("run", "")
    ]

    assert "make deploy" in deploys[with_secrets]["run"]
    assert verifies < with_secrets
    assert "secrets." not in str(jobs("deploy-to")["deploy"].get("env", {}))
    assert "secrets." not in str(workflow("deploy-to").get("env", {}))


def test_no_workflow_runs_the_code_of_a_name_that_was_typed() -> None:
    for name, job, step in every_step():
        if "actions/checkout@" in step.get("uses", ""):
            assert "ref" not in step.get("with", {}), (name, job)


def test_a_release_waits_for_all_that_a_pull_request_must_pass() -> None:
    release = jobs("release")
    whole = [job for job, each in release.items() if each.get("uses", "").endswith("/ci.yml")]
    free = {job for job, each in release.items() if "needs" not in each}

    assert "workflow_call" in workflow("ci")["on"]
    assert len(whole) == 1
    assert free == {*whole, "gate"}
    assert {*whole, "gate"} <= set(release["images"]["needs"])
    every = set(jobs("ci")) - {"done"}
    assert set(jobs("ci")["done"]["needs"]) == every


def test_answers_are_promoted_past_the_gate_that_software_is_released_past() -> None:
    def gate(name: str) -> tuple[Any, list[dict[str, Any]]]:
        kept = [
            {key: value for key, value in each.items() if key != "env"}
            for each in steps(name, "gate")
            if each.get("id") == "data" or each.get("run") == "make gate"
        ]
        return jobs(name)["gate"]["env"]["GATE"], kept

    assert gate("promote") == gate("release")
    assert len(gate("promote")[1]) == 2


def test_a_name_in_a_registry_has_no_capitals() -> None:
    for path in WORKFLOWS:
        assert "ghcr.io/${{" not in path.read_text(), path.name


def test_promotion_is_told_how_kafka_is_spoken_to() -> None:
    [promotes] = [s for s in steps("promote-in", "promote") if s.get("run") == "make promote"]
    script = (ROOT / "deploy" / "ci" / "promote").read_text()
    [read] = re.findall(r"^for name in ((?:[A-Z_]+ )+[A-Z_]+); do$", script, re.MULTILINE)[:1]

    told = set(promotes["env"])

    assert {f"KAFKA_{each}" for each in read.split()} <= told


def test_every_helm_is_the_one_that_the_chart_was_tried_with() -> None:
    """`--rollback-on-failure` of `make deploy` is Helm 4's; the action's own default can be 3."""
    helms = [step for *_, step in every_step() if "azure/setup-helm@" in step.get("uses", "")]

    assert len(helms) >= 3
    assert {step["with"]["version"] for step in helms} == {tools.HELM}
    assert tools.HELM.startswith("v4.")


def test_what_runs_each_night_fails_where_it_would_be_skipped() -> None:
    targets = jobs("nightly")["long"]["strategy"]["matrix"]["target"]
    recipes = dict(re.findall(r"^([a-z-]+):.*\n((?:\t.*\n)+)", MAKEFILE, re.MULTILINE))
    needs_nothing = {"advisories", "properties", "tamper"}  # no tool but the project's own

    assert needs_nothing < set(targets)
    for target in set(targets) - needs_nothing:
        ran = re.findall(r"\$\(BIN\)/pytest.*", recipes[target])
        assert ran
        assert all("$(WHOLE)" in each for each in ran), target


def test_what_is_used_of_others_is_named_by_a_commit_and_no_two_steps_differ() -> None:
    commits: dict[str, set[str]] = {}
    uses = re.compile(r"uses:\s*([^\s@.]+/[^\s@]+)@(\S.*)$", re.MULTILINE)
    for path in (ROOT / ".github").rglob("*.yml"):
        for action, at in uses.findall(path.read_text()):
            commits.setdefault(action, set()).add(at)

    assert "actions/checkout" in commits
    for action, named in commits.items():
        [at] = named
        assert re.fullmatch(r"[0-9a-f]{40} # v\d+\.\d+\.\d+", at), f"{action}@{at}"
