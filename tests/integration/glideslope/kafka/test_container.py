"""The broker in a real container, where a Docker engine answers and has the image."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from testcontainers.core.docker_client import DockerClient

from glideslope.kafka import Cluster, WayClosedError, container, local_kafka

HOLDER = """
import signal, sys
from pathlib import Path
from glideslope.kafka import local_kafka
with local_kafka(Path(sys.argv[1])) as cluster:
    print(cluster.bootstrap_servers, flush=True)
    signal.pause()
"""


@pytest.fixture(autouse=True)
def only_containers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KAFKA_BOOTSTRAP_SERVERS", raising=False)
    monkeypatch.setenv("GLIDESLOPE_KAFKA", "container")
    try:
        container.prepare(os.environ, print)
    except WayClosedError as closed:
        pytest.skip(str(closed))


def published(cluster: Cluster) -> list[dict[str, str]]:
    """Return where the cluster's port is published; nothing when no container runs."""
    port = cluster.bootstrap_servers.rpartition(":")[2]
    containers = DockerClient().client.containers.list(filters={"publish": port})
    return [place for each in containers for place in each.ports[f"{port}/tcp"]]


def test_a_container_serves_on_loopback_and_is_gone_after_the_end(tmp_path: Path) -> None:
    with local_kafka(tmp_path) as cluster:
        admin = AdminClient({"bootstrap.servers": cluster.bootstrap_servers})
        admin.create_topics([NewTopic("kept", 1)])["kept"].result(20)
        assert [place["HostIp"] for place in published(cluster)] == ["127.0.0.1"]

        cluster.broker.kill()
        assert published(cluster) == []
        cluster.broker.start()
        assert "kept" in admin.list_topics(timeout=20).topics
    assert published(cluster) == []
    assert "shut down completed" in (tmp_path / "kafka" / "broker.log").read_text()


def test_a_container_ends_with_a_starter_that_was_killed(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        address = holder.stdout.readline().strip()
        holder.send_signal(signal.SIGKILL)
    with local_kafka(tmp_path) as cluster:  # waits until the orphan is gone
        assert cluster.bootstrap_servers == address
        assert len(published(cluster)) == 1
