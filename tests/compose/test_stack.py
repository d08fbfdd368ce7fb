"""docker-compose.yml, really up: hardened, healthy, and nothing lost when a container dies."""

import base64
import json
import os
import secrets
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer

from shared.events import Result
from tests.compose.engine import DockerError
from tests.compose.stack import ROOT, SERVICES, Stack

QUESTIONS = 200
ENDED_WITHIN = 300.0  # seconds
SCRAPED_WITHIN = 120.0  # seconds
ASKED = (
    ("What was the net interest income in 2024?", "214.6 million"),
    ("What was the impairment charge of the Working Capital segment?", "9.5"),
    ("When does the annual general meeting take place?", "14 May 2025"),
    ("What is the highest Flexline limit?", "EUR 400,000"),
)

SEEN_FROM_INSIDE = """
import errno, json, os, pathlib
status = dict(l.split(":", 1) for l in open("/proc/1/status") if ":" in l)
def written(path):
    try:
        pathlib.Path(path, "x").write_text("x")
    except OSError as error:
        return errno.errorcode[error.errno]
    pathlib.Path(path, "x").unlink()
    return "written"
def limit(*paths):
    return next(pathlib.Path(p).read_text().strip() for p in paths if pathlib.Path(p).exists())
print(json.dumps({
    "uid": status["Uid"].split(), "gid": status["Gid"].split(), "groups": status["Groups"].split(),
    "capabilities": [status[k].strip() for k in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")],
    "no_new_privileges": status["NoNewPrivs"].strip(), "seccomp": status["Seccomp"].strip(),
    "written": {p: written(p) for p in ("/", "/app", "/venv", "/etc", "/usr/bin", "/tmp")},
    "memory": limit("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"),
    "pids": limit("/sys/fs/cgroup/pids.max", "/sys/fs/cgroup/pids/pids.max"),
    "secrets": sorted(p.name for p in pathlib.Path("/run/secrets").glob("*")),
    "environment": open("/proc/1/environ").read(),
}))
"""
SCRATCH = "/tmp"  # noqa: S108 - the container's own
NO_CAPABILITY = ["0" * 16] * 5
MEMORY = {"ingest": 512, "inference": 1024, "validator": 1024, "review": 512, "audit": 1024}
WAY_OUT = {"inference", "review"}  # models, and the OpenID provider, may be outside
SECRETS = {
    "review": ["glideslope_review_database"],
    "audit": ["glideslope_audit_master_key"],
}


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_has_the_least_that_it_can_live_on(stack: Stack, service: str) -> None:
    seen = stack.python(service, SEEN_FROM_INSIDE)
    assert (set(seen["uid"]), set(seen["gid"])) == ({"10001"}, {"10001"})
    assert set(seen["groups"]) <= {"10001"}
    assert seen["capabilities"] == NO_CAPABILITY
    assert seen["no_new_privileges"] == "1"
    assert seen["seccomp"] == "2"
    assert seen["written"].pop(SCRATCH) == "written"
    assert set(seen["written"].values()) == {"EROFS"}
    assert int(seen["memory"]) == MEMORY[service] * 2**20
    assert seen["pids"].isdigit()
    networks = stack.of(service).told["NetworkSettings"]["Networks"]
    told = json.loads(stack.engine.docker("network", "inspect", *networks))
    assert any(not network["Internal"] for network in told) is (service in WAY_OUT)
    assert seen["secrets"] == SECRETS.get(service, [])
    assert not any(
        word in seen["environment"].upper() for word in ("PASSWORD", "MASTER_KEY=", "SECRET_")
    )


def test_what_others_made_is_held_back_too(stack: Stack) -> None:
    for container in stack.containers():
        host = container.told["HostConfig"]
        assert host["CapDrop"] == ["ALL"], container.service
        assert not host["CapAdd"]
        assert "no-new-privileges:true" in host["SecurityOpt"]
        assert not host["Privileged"]


def test_every_port_is_on_loopback(stack: Stack) -> None:
    published = [
        (container.service, binding["HostIp"])
        for container in stack.containers()
        for bindings in (container.told["HostConfig"]["PortBindings"] or {}).values()
        for binding in bindings
    ]
    assert sorted(published) == [("kafka", "127.0.0.1"), ("review", "127.0.0.1")]


def test_the_queue_is_in_postgresql(stack: Stack) -> None:
    tables = stack.compose(
        *("exec", "-T", "postgres", "psql", "-h", "/var/run/postgresql", "-U", "glideslope"),
        *("-Atc", "select count(*) from information_schema.tables where table_schema = 'public'"),
    )
    assert int(tables) > 1


def test_two_hundred_questions_end_once_each_though_a_container_is_killed(stack: Stack) -> None:
    ours(stack, "index", "glideslope/samples/texts")
    asked = {f"q-{number}": ASKED[number % len(ASKED)] for number in range(QUESTIONS)}
    victim = stack.of("inference")
    ask(stack, asked)
    ends = Ends(stack)
    ends.read_until(QUESTIONS // 10)
    kill(stack, "inference")
    ends.read_until(QUESTIONS)
    stack.until_healthy(SERVICES)
    assert stack.of("inference").told["State"]["StartedAt"] != victim.told["State"]["StartedAt"]

    book = settled(stack)
    assert book["adds_up"], book
    assert (book["requests"], book["results"], book["in_flight"], book["lost"]) == (
        QUESTIONS,
        QUESTIONS,
        0,
        0,
    )
    assert Counter(result.request_id for result in ends.results) == Counter(asked.keys())
    for result in ends.results:
        assert result.outcome == "answered", result
        assert result.answer is not None
        assert asked[result.request_id][1] in result.answer.text

    # In the bucket, with Object Lock. The exit code says so: intact, and each request has one end.
    cli(stack, "audit", "verify")
    cli(stack, "audit", "reconcile")


def test_more_processes_of_each_service_share_the_work(stack: Stack) -> None:
    more = [f"{service}-more" for service in ("ingest", "validator")]
    stack.compose(
        "--profile", "scale", "up", "--detach", "--no-build", "--no-recreate", *more, within=300.0
    )
    stack.until_healthy([*SERVICES, *more])
    groups = json.loads(ours(stack, "status", "--json"))["groups"]
    members = {group["name"]: group["members"] for group in groups}
    assert (members["ingest"], members["validator"]) == (2, 2)


def test_it_stands_still_for_a_backup_and_goes_on(stack: Stack) -> None:
    """As docs/deploy/vm.md says; moto, which keeps everything in memory, runs on."""
    parts = [*SERVICES, "kafka", "postgres"]
    before = json.loads(ours(stack, "status", "--json"))["reconciliation"]
    stack.compose("stop", *parts, within=300.0)
    states = {each.service: each.told["State"]["Status"] for each in stack.containers()}
    assert {states[part] for part in parts} == {"exited"}
    stack.compose("start", *parts, within=300.0)
    stack.until_healthy(parts)

    ask(stack, {"after": ASKED[0]})
    ends = Ends(stack)
    ends.read_until(before["results"] + 1)
    assert "after" in {each.request_id for each in ends.results}
    book = settled(stack)
    assert book["adds_up"], book
    assert book["results"] == before["results"] + 1
    cli(stack, "audit", "verify")


def test_the_master_key_can_be_saved(stack: Stack) -> None:
    words = ("run", "--rm", "--no-deps", "--entrypoint", "cat", "secrets")
    key = stack.compose(*words, "/secrets/audit/glideslope_audit_master_key")
    assert len(base64.b64decode(key)) == 32


def test_prometheus_finds_every_process_by_itself(stack: Stack) -> None:
    prometheus = ("--profile", "observability", "up", "--detach", "--no-deps", "prometheus")
    stack.compose(*prometheus, within=300.0)
    stack.until_healthy(["prometheus"])
    address = f"http://127.0.0.1:{stack.settings['PUBLISH_PROMETHEUS']}/api/v1/query?query=up"
    give_up = time.monotonic() + SCRAPED_WITHIN
    while True:
        with urllib.request.urlopen(address, timeout=10) as answer:
            series = json.load(answer)["data"]["result"]
        up = {each["metric"]["instance"]: each["value"][1] for each in series}
        ours = {each for each in up if each.endswith(":8080")}
        if len(ours) >= len(SERVICES) and set(up.values()) == {"1"}:
            return
        assert time.monotonic() < give_up, up
        time.sleep(1)


def settled(stack: Stack) -> dict[str, Any]:
    """Return the reconciliation, once nothing is in flight."""
    give_up = time.monotonic() + ENDED_WITHIN
    while True:
        book: dict[str, Any] = json.loads(ours(stack, "status", "--json"))["reconciliation"]
        if not book["in_flight"] or time.monotonic() > give_up:
            return book


def ask(stack: Stack, asked: dict[str, tuple[str, str]]) -> None:
    producer = Producer({"bootstrap.servers": stack.bootstrap, "partitioner": "murmur2_random"})
    for name, (question, _) in asked.items():
        producer.produce(
            "requests",
            json.dumps({"question": question}),
            key=f"conversation-{name}",
            headers={
                "ce_specversion": "1.0",
                "ce_id": name,
                "ce_source": "/tests/compose",
                "ce_type": "glideslope.request.submitted.v1",
                "content-type": "application/json",
            },
        )
    assert producer.flush(60) == 0


class Ends:
    """What a consumer of `results` sees."""

    def __init__(self, stack: Stack) -> None:
        self.results: list[Result] = []
        self._consumer = Consumer(
            {
                "bootstrap.servers": stack.bootstrap,
                "group.id": f"tests-{secrets.token_hex(3)}",
                "auto.offset.reset": "earliest",
                "isolation.level": "read_committed",
            }
        )
        self._consumer.subscribe(["results"])

    def read_until(self, number: int) -> None:
        give_up = time.monotonic() + ENDED_WITHIN
        while len(self.results) < number:
            assert time.monotonic() < give_up, f"{len(self.results)} of {number}"
            record = self._consumer.poll(1)
            if record is not None and not record.error():
                self.results.append(Result.model_validate_json(record.value() or b""))


def kill(stack: Stack, service: str) -> None:
    """SIGKILL the container's process: a crash that nobody asked for. Docker starts it again."""
    container = stack.of(service)
    try:
        os.kill(container.told["State"]["Pid"], 9)
    except (PermissionError, ProcessLookupError):  # the engine is another user's, or machine
        stack.engine.docker("kill", container.id)
        stack.engine.docker("start", container.id)


def ours(stack: Stack, *arguments: str) -> str:
    """Run the command line on this machine, as the README does."""
    done = subprocess.run(
        [sys.executable, "-m", "glideslope", *arguments],
        cwd=ROOT,
        env={**os.environ, "KAFKA_BOOTSTRAP_SERVERS": stack.bootstrap},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def cli(stack: Stack, *arguments: str) -> str:
    """Run the command line in its container."""
    try:
        return stack.compose("run", "--rm", "-T", "cli", *arguments)
    except DockerError as error:
        pytest.fail(str(error))
