"""What the README shows is run, and what it says about the contract is held against the code."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from shared import topics
from shared.events import Result
from shared.settings import Settings
from tests.e2e.conftest import ROOT, Up

README = (ROOT / "README.md").read_text()
EXECUTED = re.findall(r"<!-- executed by [^>]+ -->\n```sh\n(.+?)```", README, re.DOTALL)
ANSWER = re.findall(r"```json\n(.+?)```", README, re.DOTALL)


@pytest.mark.kafka
@pytest.mark.skipif(shutil.which("kcat") is None, reason="kcat is not installed")
def test_the_commands_that_ask_a_question_print_its_result(
    up: Callable[[Settings], Up], bootstrap: str, tmp_path: Path
) -> None:
    assert EXECUTED
    up(Settings(bootstrap_servers=bootstrap, home=tmp_path)).until("ready")
    for block in EXECUTED:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", block],
            cwd=ROOT,
            env={**os.environ, "KAFKA_BOOTSTRAP_SERVERS": bootstrap},
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


def test_every_link_into_the_project_leads_somewhere() -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
