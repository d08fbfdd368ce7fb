"""What the README shows is run, and what it says about the contract is held against the code."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import wait
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient

from glideslope.kafka import local_kafka
from glideslope.stack import settings_environment
from shared import topics
from shared.events import Result
from shared.settings import Settings
from tests.e2e.conftest import ROOT, Up

README = (ROOT / "README.md").read_text()
EXECUTED = re.findall(r"<!-- executed by [^>]+ -->\n```sh\n(.+?)```", README, re.DOTALL)
ANSWER = re.findall(r"```json\n(.+?)```", README, re.DOTALL)


@pytest.fixture
def unprefixed(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A broker without topics of the README's names, which have no prefix that sets them apart.

    That of all tests is one, and no other test uses these; a cluster that is given may not be.
    """
    if "KAFKA_BOOTSTRAP_SERVERS" not in os.environ:
        bootstrap = request.getfixturevalue("bootstrap")
        yield bootstrap
        client = AdminClient({"bootstrap.servers": bootstrap})
        wait(client.delete_topics([topic.name for topic in topics.ALL]).values(), timeout=30)
        return
    environment = {k: v for k, v in os.environ.items() if k != "KAFKA_BOOTSTRAP_SERVERS"}
    with local_kafka(tmp_path, environment=environment) as cluster:
        yield cluster.bootstrap_servers


@pytest.mark.kafka
@pytest.mark.skipif(
    shutil.which("kcat") is None,
    reason="kcat is not installed: apt-get install kcat, as .ci/run does",
)
def test_the_commands_that_ask_a_question_print_its_result(
    up: Callable[[Settings], Up], unprefixed: str, tmp_path: Path
) -> None:
    assert EXECUTED
    settings = Settings(bootstrap_servers=unprefixed, home=tmp_path / "home")
    up(settings).until("ready")
    for block in EXECUTED:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", block],
            cwd=ROOT,
            env={**os.environ, **settings_environment(settings)},
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        printed = done.stdout[done.stdout.rindex('{"request_id"') :]
        result = Result.model_validate_json(printed)
        assert result.outcome == "answered"
        assert result.answer is not None
        assert "214.6 million" in result.answer.text


def test_the_answer_it_shows_is_a_result() -> None:
    assert ANSWER
    for each in ANSWER:
        assert Result.model_validate_json(each).answer is not None


@pytest.mark.parametrize("topic", topics.ALL, ids=lambda topic: topic.name)
def test_the_event_table_has_every_topic_with_its_type(topic: topics.Topic) -> None:
    short = topic.event_type.removeprefix("glideslope.")
    assert f"| `{topic.name}` | `{short}` |" in README


def test_the_event_table_has_no_topic_that_does_not_exist() -> None:
    rows = re.findall(r"^\| `([a-z.]+)` \| `", README, re.MULTILINE)
    assert sorted(rows) == sorted(topic.name for topic in topics.ALL)
