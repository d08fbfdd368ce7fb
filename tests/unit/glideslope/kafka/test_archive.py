import sys
from pathlib import Path

import pytest

from glideslope.kafka import archive
from tests.unit.glideslope.kafka.conftest import FETCHES, JAVA_17, Program

# Formats, and serves until SIGTERM as the real one does: it listens where its settings say, and
# leaves an archive if it is asked for one.
BROKER = """
import re, signal, socket, sys
from pathlib import Path
if "format" in sys.argv:
    Path("data").mkdir()
    Path("data/meta.properties").touch()
    sys.exit()
settings = Path("server.properties").read_text()
port = int(re.search(r"listeners=PLAINTEXT://.*?:([0-9]+)", settings)[1])
listener = socket.create_server(("127.0.0.1", port))
signal.signal(signal.SIGTERM, lambda *_: sys.exit())
print("Kafka Server started", flush=True)
try:
    signal.pause()
finally:
    for argument in sys.argv:
        if argument.startswith("-XX:ArchiveClassesAtExit="):
            Path(argument.partition("=")[2]).touch()
"""


@pytest.fixture
def java(program: Program, tmp_path: Path) -> Program:
    """Make a Java that answers for its version, and runs the given script as the broker."""
    program("mvn", FETCHES)

    def put(version: str, script: str) -> None:
        (tmp_path / "broker.py").write_text(script)
        serves = f'exec {sys.executable} {tmp_path}/broker.py "$@"'
        program("java", f'case "$1" in -version) {version} ;; *) {serves} ;; esac')

    return put


def test_classes_are_recorded_once_and_every_later_broker_reads_them(
    java: Program, environment: dict[str, str], tmp_path: Path
) -> None:
    java(JAVA_17, BROKER)
    said: list[str] = []
    first = archive.prepare(environment, said.append)
    assert "only once" in said[-1]
    again: list[str] = []
    assert archive.prepare(environment, again.append) == first
    assert again == []
    (option,) = [o for o in first.serve(tmp_path, "") if o.startswith("-XX:SharedArchiveFile=")]
    assert Path(option.partition("=")[2]).exists()


def test_another_build_of_java_gets_an_archive_of_its_own(
    java: Program, environment: dict[str, str]
) -> None:
    java(JAVA_17, BROKER)
    first = archive.prepare(environment, lambda _: None)
    java(JAVA_17.replace("17.0.15", "17.0.16"), BROKER)
    assert archive.prepare(environment, lambda _: None).archive != first.archive


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (BROKER.partition("try:")[0] + "signal.pause()", "left no archive"),
        ("import sys; sys.exit('no room')", "no room"),
    ],
)
def test_where_none_can_be_recorded_it_says_so_and_the_broker_goes_without(
    java: Program, environment: dict[str, str], script: str, reason: str
) -> None:
    java(JAVA_17, script)
    said: list[str] = []
    assert archive.prepare(environment, said.append).archive == ()
    assert reason in said[-1]
