"""What every test may ask for: a Kafka cluster, settings of its own, and its own topics."""

import concurrent.futures
import fcntl
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import pytest
from confluent_kafka.admin import AdminClient
from hypothesis import settings as hypothesis

from glideslope.kafka import local_kafka
from glideslope.supervisor import SERVICES
from shared.settings import Settings

# `make test` tries the properties on few examples, `make properties` on many. No example has to be
# done in a set time: a machine may be busy.
hypothesis.register_profile("few", max_examples=30, deadline=None)
hypothesis.register_profile("many", max_examples=1000, deadline=None)
hypothesis.load_profile("few")

_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - pytest makes folders of its own in it
_ROOM: Final = 4 * 1024**3  # bytes; a whole run of the tests writes less than one
# What tests write is forgotten with them. Where there is a file system in memory with room for it,
# no disk waits for it either: creating the pipeline's topics takes the broker half the time.
if _MEMORY.is_dir() and os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > _ROOM:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(_MEMORY))

# A test's broker lives for minutes at most: what the JVM's second compiler costs, it never earns.
os.environ.setdefault("JDK_JAVA_OPTIONS", "-XX:TieredStopAtLevel=1")


_COLLECTED_SECONDS: Final = 60.0
WITHOUT_REVIEW = tuple(name for name in SERVICES if name != "review")
"""For a stack in which nothing waits for a person: a service less to start."""


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Iterator[None]:
    """Let one worker collect first: what it compiles in a fresh clone, the others find."""
    first = Path(session.config.option.basetemp or ".").parent / "collected"
    match os.environ.get("PYTEST_XDIST_WORKER"):
        case "gw0":
            try:
                return (yield)
            finally:
                first.touch()
        case str():
            deadline = time.monotonic() + _COLLECTED_SECONDS
            while not first.exists() and time.monotonic() < deadline:
                time.sleep(0.05)
    return (yield)


@pytest.fixture(scope="session")
def bootstrap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of one Kafka cluster for the whole session, and for all of its workers.

    Tests share it: each uses its own topic prefix (see `settings`) and leaves the broker alone. A
    test that stops or kills a broker starts one for itself, with `glideslope.kafka.local_kafka`.
    """
    if "PYTEST_XDIST_WORKER" not in os.environ:
        with local_kafka(tmp_path_factory.mktemp("session")) as cluster:
            yield cluster.bootstrap_servers
        return
    folder = tmp_path_factory.getbasetemp().parent / "session"
    folder.mkdir(exist_ok=True)
    with _shared(folder) as address:
        yield address


@contextmanager
def _shared(folder: Path) -> Iterator[str]:
    """Use the broker of the worker that came first; that one stops it when nobody uses it."""
    address = folder / "address"
    # Who holds `door` may start or stop the broker; who uses it holds `users`, shared.
    with (
        (folder / "door").open("a") as door,
        (folder / "users").open("a") as users,
        ExitStack() as ours,
    ):
        fcntl.flock(door, fcntl.LOCK_EX)
        if not address.exists():
            cluster = ours.enter_context(local_kafka(folder))
            address.write_text(cluster.bootstrap_servers)
            ours.callback(address.unlink)
            ours.callback(_wait_until_last, door.fileno(), users.fileno())
        fcntl.flock(users, fcntl.LOCK_SH)
        fcntl.flock(door, fcntl.LOCK_UN)
        yield address.read_text()


def _wait_until_last(door: int, users: int) -> None:
    while True:
        fcntl.flock(door, fcntl.LOCK_EX)
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            fcntl.flock(door, fcntl.LOCK_UN)
            time.sleep(0.1)
        else:
            return


@pytest.fixture
def settings(bootstrap: str, tmp_path: Path) -> Iterator[Settings]:
    """Settings for topics, groups and state that no other test touches."""
    prefix = f"t-{secrets.token_hex(4)}."
    yield Settings(bootstrap_servers=bootstrap, topic_prefix=prefix, home=tmp_path, partitions=2)
    delete_topics(bootstrap, prefix)


def delete_topics(bootstrap: str, prefix: str) -> None:
    """Delete a test's topics: a small broker with thousands of partitions is a slow one."""
    client = AdminClient({"bootstrap.servers": bootstrap})
    if ours := [name for name in client.list_topics(timeout=30).topics if name.startswith(prefix)]:
        concurrent.futures.wait(client.delete_topics(ours).values(), timeout=30)


@pytest.fixture
async def topics(settings: Settings) -> None:
    """Create the pipeline's topics under the test's prefix."""
    from glideslope.topics import create_topics  # noqa: PLC0415 - most tests need no topics

    await create_topics(settings)
