import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from glideslope.kafka import AlreadyRunningError, local_kafka, running_at

pytestmark = pytest.mark.skipif(
    "KAFKA_BOOTSTRAP_SERVERS" in os.environ, reason="a given cluster is not ours to start and stop"
)

# Holds a broker until it is killed.
HOLDER = """
import signal, sys
from pathlib import Path
from glideslope.kafka import local_kafka
with local_kafka(Path(sys.argv[1])) as cluster:
    print(cluster.bootstrap_servers, cluster.broker.pid, flush=True)
    signal.pause()
"""


def topics_at(bootstrap_servers: str) -> set[str]:
    return set(AdminClient({"bootstrap.servers": bootstrap_servers}).list_topics(timeout=60).topics)


def create_topic(bootstrap_servers: str, name: str) -> None:
    admin = AdminClient({"bootstrap.servers": bootstrap_servers})
    admin.create_topics([NewTopic(name, 1)])[name].result(60)


def test_topics_and_address_outlast_a_clean_stop_and_a_kill_and_need_no_more_preparation(
    tmp_path: Path, bootstrap: str
) -> None:
    progress: list[str] = []
    with local_kafka(tmp_path) as first:
        create_topic(first.bootstrap_servers, "kept")
        assert "kept" not in topics_at(bootstrap)  # another home's broker beside it
        assert running_at(tmp_path) == first.bootstrap_servers
    assert running_at(tmp_path) is None

    with local_kafka(tmp_path, progress=progress.append) as second:
        assert second.bootstrap_servers == first.bootstrap_servers
        assert "kept" in topics_at(second.bootstrap_servers)

        second.broker.kill()
        assert second.broker.pid is None
        assert running_at(tmp_path) is None
        second.broker.start()
        assert "kept" in topics_at(second.bootstrap_servers)
    assert progress == []
    log = (tmp_path / "kafka" / "broker.log").read_text()
    assert log.count("Formatting") == 1
    assert log.count("[BrokerServer id=1] shut down completed") == 2


def test_the_broker_ends_with_a_starter_that_was_killed_and_its_home_is_free(
    tmp_path: Path,
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        address, pid = holder.stdout.readline().split()
        with pytest.raises(AlreadyRunningError, match=str(holder.pid)), local_kafka(tmp_path):
            pass
        holder.send_signal(signal.SIGKILL)
    with local_kafka(tmp_path) as cluster:  # waits until the orphan is gone
        assert cluster.bootstrap_servers == address
        with pytest.raises(ProcessLookupError):
            os.kill(int(pid), 0)


def test_a_mistyped_topic_is_not_created_by_asking_for_it(bootstrap: str) -> None:
    admin = AdminClient({"bootstrap.servers": bootstrap, "allow.auto.create.topics": True})
    admin.list_topics("no-such-topic", timeout=60)
    assert "no-such-topic" not in topics_at(bootstrap)


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="reads Linux's table of sockets")
def test_the_broker_listens_on_loopback_only(bootstrap: str) -> None:
    port = int(bootstrap.rpartition(":")[2])
    table = Path("/proc/net/tcp").read_text() + Path("/proc/net/tcp6").read_text()
    listening = {
        fields[1].partition(":")[0]
        for fields in map(str.split, table.splitlines()[1:])
        if fields[1].endswith(f":{port:04X}") and fields[3] == "0A"
    }
    assert listening <= {"0100007F", "0000000000000000FFFF00000100007F"}
    assert listening
