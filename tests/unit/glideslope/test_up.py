import io
import json
from typing import get_args

import pytest
from rich.console import Console

from glideslope.stack import settings_environment
from glideslope.supervisor import EventName, StackEvent
from glideslope.up import Readable, report_json
from shared.settings import Settings


def shown(event: StackEvent) -> str:
    output = io.StringIO()
    Readable(Console(file=output, width=40))(event)
    return output.getvalue()


@pytest.mark.parametrize("name", get_args(EventName))
def test_every_event_can_be_read_by_people(name: EventName) -> None:
    assert shown(StackEvent(event=name, service="audit")).strip()


def test_a_service_is_ready_with_the_address_of_its_health() -> None:
    said = StackEvent(event="service_ready", service="audit", note="health: http://127.0.0.1:8080")
    assert shown(said) == "audit      ready  health: http://127.0.0.1:8080\n"
    assert shown(StackEvent(event="service_ready", service="audit")) == "audit      ready\n"


def test_ready_comes_with_the_address_to_set() -> None:
    line = shown(StackEvent(event="ready", bootstrap_servers="127.0.0.1:21000"))
    assert line.startswith("ready ")
    assert "KAFKA_BOOTSTRAP_SERVERS=127.0.0.1:21000\n" in line


def test_the_reviewers_page_comes_with_how_to_sign_in_where_nobody_can() -> None:
    page = StackEvent(event="review", note="http://127.0.0.1:8090")
    output = io.StringIO()
    Readable(Console(file=output, width=40), sign_in=False)(page)
    assert "GLIDESLOPE_REVIEW_SIGN_IN=local glideslope up" in output.getvalue()
    assert "SIGN_IN" not in shown(page)


def test_the_last_words_of_a_dead_service_are_shown_as_they_are() -> None:
    words = "Traceback:\n[bold]no such thing as {a setting}, and a line longer than the terminal"
    line = shown(StackEvent(event="died", service="audit", exit_code=7, log="/l", last_lines=words))
    assert words in line
    assert "exit code 7" in line


def test_a_machine_reads_one_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    report_json(StackEvent(event="started", service="audit", pid=4))
    assert json.loads(capsys.readouterr().out) == {"event": "started", "service": "audit", "pid": 4}


def test_a_service_reads_the_settings_of_its_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    given = Settings(bootstrap_servers="h:1", topic_prefix="p.", partitions=3, grace_seconds=1.5)
    for name, value in settings_environment(given).items():
        monkeypatch.setenv(name, value)
    assert Settings() == given.model_copy(update={"home": given.home.absolute()})
