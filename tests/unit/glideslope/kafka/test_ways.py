from pathlib import Path

import pytest

from glideslope.kafka import LocalKafkaError, NoKafkaError, NotOurBrokerError, local_kafka
from glideslope.kafka.ways import openings


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, str]:
    """A machine with nothing on it."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return {"PATH": str(tmp_path), "GLIDESLOPE_CACHE": str(tmp_path / "cache")}


@pytest.mark.parametrize(
    ("environment", "names"),
    [
        ({}, ["A container", "The JVM"]),
        ({"GLIDESLOPE_KAFKA": "auto"}, ["A container", "The JVM"]),
        ({"GLIDESLOPE_KAFKA": "container"}, ["A container"]),
        ({"GLIDESLOPE_KAFKA": "jvm"}, ["The JVM"]),
    ],
)
def test_a_container_is_preferred_unless_one_way_is_insisted_on(
    environment: dict[str, str], names: list[str]
) -> None:
    assert [way.name for way in openings(environment)] == names


def test_a_way_that_does_not_exist_is_refused_with_those_that_do() -> None:
    with pytest.raises(LocalKafkaError, match="auto, container, jvm"):
        openings({"GLIDESLOPE_KAFKA": "podman"})


def test_a_given_cluster_is_used_and_nothing_is_started(
    bare: dict[str, str], tmp_path: Path
) -> None:
    given = {**bare, "KAFKA_BOOTSTRAP_SERVERS": "kafka.example:9092"}
    with local_kafka(tmp_path / "home", environment=given) as cluster:
        assert cluster.bootstrap_servers == "kafka.example:9092"
        with pytest.raises(NotOurBrokerError, match=r"kafka\.example:9092"):
            cluster.broker.restart()
    assert not (tmp_path / "home").exists()


def test_where_no_way_is_open_the_error_names_all_three_and_what_opens_each(
    bare: dict[str, str], tmp_path: Path
) -> None:
    with (
        pytest.raises(NoKafkaError) as error,
        local_kafka(tmp_path / "home", environment=bare),
    ):
        pass
    message = str(error.value)
    assert "export KAFKA_BOOTSTRAP_SERVERS=" in message
    assert "apt-get install docker.io" in message
    assert "apt-get install default-jre-headless maven" in message
