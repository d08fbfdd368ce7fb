import io
import json
import logging
import os
import time
import warnings
from datetime import datetime
from typing import Any

import pytest
import structlog

from shared import logs
from shared.settings import Settings

pytestmark = pytest.mark.usefixtures("logs_as_before")


class Lines:
    """What was logged since `configure`."""

    def __init__(self, **settings: Any) -> None:
        self._stream = io.StringIO()
        logs.configure("audit", Settings(**settings), stream=self._stream)

    def all(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._stream.getvalue().splitlines()]

    def only(self) -> dict[str, Any]:
        (line,) = self.all()
        return line


def test_a_line_is_one_json_object_with_service_level_and_utc_time() -> None:
    lines = Lines()
    structlog.get_logger().warning("slow", seconds=3, city="Zürich\n")
    line = lines.only()
    assert datetime.fromisoformat(line.pop("timestamp")).utcoffset() is not None
    assert line == {
        "service": "audit",
        "level": "warning",
        "event": "slow",
        "seconds": 3,
        "city": "Zürich\n",
    }


def test_what_is_less_severe_than_the_setting_is_not_logged() -> None:
    lines = Lines(log_level="ERROR")
    structlog.get_logger().warning("slow")
    structlog.get_logger().error("broken")
    assert lines.only()["event"] == "broken"


def test_other_libraries_are_heard_from_warning_up_in_the_same_form() -> None:
    lines = Lines(log_level="DEBUG")
    library = logging.getLogger("aiokafka.consumer")
    library.info("joined")
    library.warning("heartbeat of %s failed", "ingest-0")
    line = lines.only()
    assert line["event"] == "heartbeat of ingest-0 failed"
    assert line["logger"] == "aiokafka.consumer"
    assert line["level"] == "warning"
    assert line["service"] == "audit"


def test_a_python_warning_is_logged() -> None:
    lines = Lines()
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=False)
        logging.captureWarnings(capture=True)
        warnings.warn("old", DeprecationWarning, stacklevel=1)
    assert lines.only()["logger"] == "py.warnings"


def test_fields_that_hold_content_are_given_by_their_length() -> None:
    lines = Lines()
    structlog.get_logger().info(
        "drafted", question="secret", draft={"answer": "secret", "model": "m"}, value=None
    )
    line = lines.only()
    assert line["question"] == "<6 long>"
    assert line["draft"] == {"answer": "<6 long>", "model": "m"}
    assert line["value"] == "<not shown>"


def fail() -> None:
    try:
        os.environ["A_SECRET_NAME"]
    except KeyError as cause:
        raise ValueError("a secret answer") from cause


def test_an_exception_is_logged_by_type_and_frames_without_its_message() -> None:
    lines = Lines()
    try:
        fail()
    except ValueError:
        structlog.get_logger().exception("failed")
        logging.getLogger("library").exception("failed")
    for line in lines.all():
        assert [link["type"] for link in line["exception"]] == ["ValueError", "KeyError"]
        assert "test_logs.py" in line["exception"][0]["frames"][0]
        assert "secret" not in json.dumps(line).lower()


def test_content_is_logged_where_that_is_set() -> None:
    lines = Lines(log_content=True)
    try:
        fail()
    except ValueError as error:
        structlog.get_logger().error("failed", question="secret", exc_info=error)
    line = lines.only()
    assert line["question"] == "secret"
    assert line["exception"][0]["message"] == "a secret answer"


def test_configuring_again_does_not_log_twice() -> None:
    Lines()
    lines = Lines()
    logging.getLogger("library").warning("once")
    assert lines.only()["event"] == "once"


def test_a_library_that_repeats_itself_is_heard_a_few_times_and_the_rest_is_counted() -> None:
    now = 0.0
    repetitions = logs.Repetitions(lines=2, seconds=10, clock=lambda: now)

    def heard(text: str, *filled_in: object) -> int | None:
        record = logging.LogRecord("aiokafka", logging.ERROR, "", 0, text, filled_in, None)
        return getattr(record, "left_out", 0) if repetitions.filter(record) else None

    assert [heard("no node %s", node) for node in range(4)] == [0, 0, None, None]
    assert heard("another %s", 1) == 0
    assert heard("%s", "one warning") == heard("%s", "another warning") == 0
    now = 10.0
    assert [heard("no node %s", 9), heard("no node %s", 9), heard("no node %s", 9)] == [2, 0, None]


def test_a_line_says_how_many_like_it_were_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0] * 8 + [60.0])
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    lines = Lines()
    for node in range(9):
        logging.getLogger("aiokafka.client").error("no node %s", node)
    said = [(line["event"], line.get("left_out")) for line in lines.all()]
    assert said == [*[(f"no node {node}", None) for node in range(5)], ("no node 8", 3)]
