"""What every test may ask for: a Kafka cluster, settings of its own, and its own topics."""

import concurrent.futures
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient

from glideslope.kafka import local_kafka
from shared.settings import Settings

# A test's broker lives for minutes at most: what the JVM's second compiler costs, it never earns.
os.environ.setdefault("JDK_JAVA_OPTIONS", "-XX:TieredStopAtLevel=1")


@pytest.fixture(scope="session")
def bootstrap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of one Kafka cluster for the whole session.

    Tests share it: each uses its own topic prefix (see `settings`) and leaves the broker alone. A
    test that stops or kills a broker starts one for itself, with `glideslope.kafka.local_kafka`.
    """
    with local_kafka(tmp_path_factory.mktemp("session")) as cluster:
        yield cluster.bootstrap_servers


@pytest.fixture
def settings(bootstrap: str, tmp_path: Path) -> Iterator[Settings]:
    """Settings for topics, groups and state that no other test touches.

    Its topics are deleted afterwards: a small broker with thousands of partitions is a slow one.
    """
    prefix = f"t-{secrets.token_hex(4)}."
    yield Settings(bootstrap_servers=bootstrap, topic_prefix=prefix, home=tmp_path, partitions=2)
    client = AdminClient({"bootstrap.servers": bootstrap})
    if ours := [name for name in client.list_topics(timeout=30).topics if name.startswith(prefix)]:
        concurrent.futures.wait(client.delete_topics(ours).values(), timeout=30)


@pytest.fixture
async def topics(settings: Settings) -> None:
    """Create the pipeline's topics under the test's prefix."""
    from glideslope.topics import create_topics  # noqa: PLC0415 - most tests need no topics

    await create_topics(settings)
