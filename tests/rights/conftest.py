"""The whole pipeline where everybody has a password and nobody more rights than declared."""

import asyncio
import base64
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest

from glideslope.access import principals
from glideslope.supervisor import SERVICES, StackEvent, Supervisor
from shared.settings import Settings
from tests.secured import Secured, secured_kafka

PREFIX: Final = "r."
EVERYBODY: Final = {each.name: each for each in principals(Settings(topic_prefix=PREFIX))}
CANARY: Final = "canary-8e41b7d0"
MASTER_KEY: Final = base64.b64encode(CANARY.ljust(32, "x").encode()).decode()
_SERVER: Final = {"base_url": "http://127.0.0.1:1/v1", "api_key": CANARY, "headers": {"k": CANARY}}
SECRETS: Final[Mapping[str, str]] = {
    "glideslope_audit_master_key": MASTER_KEY,
    "glideslope_qdrant_api_key": CANARY,
    "glideslope_review_oidc_client_secret": CANARY,
    "glideslope_providers": json.dumps({"gateway": {"kind": "openai", **_SERVER}}),
    "glideslope_judges": json.dumps({"judge": _SERVER}),
}
"""Files that every service finds in its folder of secrets, beside the password of its own."""
_READY_SECONDS: Final = 300.0
_ROOT: Final = Path(__file__).parents[2]


@dataclass
class Pipeline:
    """Services that run, each as itself; `said` is what was told of them."""

    kafka: Secured
    home: Path
    supervisors: dict[str, Supervisor] = field(default_factory=dict)
    said: list[StackEvent] = field(default_factory=list)

    @property
    def logs(self) -> Path:
        return self.home / "logs"

    @property
    def canaries(self) -> set[str]:
        """Every secret there is."""
        return {CANARY, MASTER_KEY, *self.kafka.passwords.values()}

    def environment(self, user: str) -> dict[str, str]:
        """Return what somebody is told; the secrets are in files."""
        folder = self.home / "secrets" / user
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "kafka_sasl_password").write_text(self.kafka.passwords[user])
        for name, secret in SECRETS.items():
            (folder / name).write_text(secret)
        return {
            "GLIDESLOPE_SECRETS_FOLDER": str(folder),
            "GLIDESLOPE_HOME": str(self.home / "state"),
            "GLIDESLOPE_TOPIC_PREFIX": PREFIX,
            "GLIDESLOPE_PARTITIONS": "2",
            "GLIDESLOPE_PLANTED_FAULTS": "true",
            "GLIDESLOPE_LOG_LEVEL": "DEBUG",
            "GLIDESLOPE_LOG_CONTENT": "true",
            "OTEL_TRACES_EXPORTER": "console",
            "PYTHONFAULTHANDLER": "1",
            "KAFKA_BOOTSTRAP_SERVERS": self.kafka.bootstrap_servers,
            "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
            "KAFKA_SASL_USERNAME": user,
            "KAFKA_SSL_CA_FILE": str(self.kafka.authority.file),
        }

    def pid(self, service: str) -> int:
        """Return the process id of a service."""
        return self.supervisors[service].pid(service)

    def log(self, service: str) -> str:
        """Return what a service has logged."""
        return "".join(path.read_text() for path in self.logs.glob(f"{service}*"))

    def health(self, service: str) -> str:
        """Return where a service serves its health."""
        ready = [each for each in self.said if each.event == "service_ready"]
        notes = [each.note or "" for each in ready if each.service == service]
        return notes[-1].partition("health: ")[2]

    def run(self, user: str, *arguments: str) -> str:
        """Run the command line as somebody; return what it printed. It must have done it."""
        done = self.attempt(user, *arguments)
        assert done.returncode == 0, f"{user} {arguments}: {done.stdout} {done.stderr}"
        return done.stdout

    def attempt(self, user: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run the command line as somebody."""
        told = {**os.environ, "COLUMNS": "200", **self.environment(user)}
        done = subprocess.run(
            [sys.executable, "-m", "glideslope", *arguments],
            cwd=_ROOT,
            env=told,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        with (self.logs / "commands").open("a") as log:  # looked through for canaries as well
            log.write(done.stdout + done.stderr)
        return done


@asynccontextmanager
async def running(pipeline: Pipeline) -> AsyncIterator[None]:
    """Run every service under its own name."""
    pipeline.logs.mkdir(parents=True)
    await asyncio.to_thread(pipeline.run, "installer", "topics", "create")
    async with AsyncExitStack() as stack:
        for name, module in SERVICES.items():
            pipeline.supervisors[name] = Supervisor(
                {name: module},
                logs=pipeline.logs,
                environment=pipeline.environment(name),
                grace_seconds=20,
                ready_seconds=_READY_SECONDS,
                report=pipeline.said.append,
            )
        await asyncio.gather(*map(stack.enter_async_context, pipeline.supervisors.values()))
        yield


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    with secured_kafka(tmp_path_factory.mktemp("secured"), list(EVERYBODY)) as cluster:
        cluster.grant(*EVERYBODY.values())
        yield cluster


def crash(pipeline: Pipeline, service: str) -> None:
    """Make a service dump its stacks, as a segmentation fault would."""
    os.kill(pipeline.pid(service), signal.SIGSEGV)
