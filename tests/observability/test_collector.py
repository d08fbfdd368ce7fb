"""The collector of docker-compose.yml's profile observability, really run on its configuration."""

import socket
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from queue import Queue
from typing import Any

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc
from ruamel.yaml import YAML

from shared import telemetry
from shared.settings import Settings
from tests.k8s.tools import CannotBeHadError
from tests.observability import tools

ROOT = Path(__file__).parents[2]
CONFIGURATION = ROOT / "deploy" / "otel" / "collector.yaml"
STARTED_WITHIN = 60.0  # seconds
ARRIVED_WITHIN = 60.0  # seconds


@pytest.fixture(scope="module")
def collector() -> Path:
    try:
        return tools.collector()
    except CannotBeHadError as error:
        pytest.skip(f"no collector: {error}")


class Jaeger(trace_service_pb2_grpc.TraceServiceServicer):
    """What stands where Jaeger does: it takes spans, and keeps them."""

    def __init__(self) -> None:
        self.spans: Queue[tuple[str, str]] = Queue()

    def Export(self, request: Any, context: Any) -> Any:  # noqa: N802 - the name in OTLP
        del context
        for resource in request.resource_spans:
            about = {each.key: each.value.string_value for each in resource.resource.attributes}
            for scope in resource.scope_spans:
                for span in scope.spans:
                    self.spans.put((about["service.name"], span.name))
        return trace_service_pb2.ExportTraceServiceResponse()


@pytest.fixture
def jaeger() -> Iterator[tuple[Jaeger, int]]:
    """Jaeger, and the port on which it listens."""
    server = grpc.server(ThreadPoolExecutor(2))
    there = Jaeger()
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(there, server)  # type: ignore[no-untyped-call] # generated code
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield there, port
    server.stop(grace=None).wait()


def test_it_is_of_the_version_that_compose_runs() -> None:
    compose = YAML(typ="safe").load(ROOT / "docker-compose.yml")["services"]
    assert compose["otel-collector"]["image"] == f"otel/opentelemetry-collector:{tools.version()}"
    told = " ".join(compose["otel-collector"]["command"])
    mounted = [each.split(":") for each in compose["otel-collector"]["volumes"]]
    assert told == f"--config={mounted[0][1]}"
    assert (ROOT / mounted[0][0]).samefile(CONFIGURATION)


def test_its_configuration_is_valid_and_one_that_is_not_is_told(
    collector: Path, tmp_path: Path
) -> None:
    def validated(path: Path) -> subprocess.CompletedProcess[str]:
        given = [str(collector), "validate", "--config", str(path)]
        return subprocess.run(given, capture_output=True, text=True, check=False)

    right = validated(CONFIGURATION)
    assert right.returncode == 0, right.stderr
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(CONFIGURATION.read_text().replace("limit_percentage", "limit_percent", 1))
    assert validated(wrong).returncode != 0


def test_a_services_spans_come_through_to_jaeger(
    collector: Path, jaeger: tuple[Jaeger, int], tmp_path: Path
) -> None:
    there, port = jaeger
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        listening = free.getsockname()[1]
    places = [
        f"yaml:receivers::otlp::protocols::http::endpoint: 127.0.0.1:{listening}",
        f"yaml:exporters::otlp::endpoint: 127.0.0.1:{port}",
    ]
    given = [word for each in (str(CONFIGURATION), *places) for word in ("--config", each)]
    with (tmp_path / "log").open("w") as log:
        runs = subprocess.Popen([str(collector), *given], stdout=log, stderr=log)
    try:
        until_open(listening, runs, tmp_path / "log")
        endpoint = f"http://127.0.0.1:{listening}"
        telemetry.configure("ingest", Settings(otlp_endpoint=endpoint))
        with telemetry.handling("requests", 0, 7, ()):
            pass
        telemetry.shut_down()
        assert there.spans.get(timeout=ARRIVED_WITHIN) == ("ingest", "process requests")
    finally:
        telemetry.shut_down()
        runs.terminate()
        runs.wait(30)


def until_open(port: int, runs: subprocess.Popen[bytes], log: Path) -> None:
    give_up = time.monotonic() + STARTED_WITHIN
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert runs.poll() is None, log.read_text()
            assert time.monotonic() < give_up, log.read_text()
            time.sleep(0.1)
        else:
            return
