from datetime import UTC, datetime

import pytest

from glideslope.commands.review.view import Line, show_list

QUESTION = "What did the bank earn by interest in 2024; how much less was it in the year before?"
REASON = (
    "groundedness is in doubt: its words stand in the passages, but not together; figures failed"
)


def test_a_program_that_reads_the_list_gets_each_line_whole(
    capfd: pytest.CaptureFixture[str],
) -> None:
    show_list([Line("q-1", "/desk", QUESTION, REASON, datetime.now(UTC))])
    _, line = capfd.readouterr().out.splitlines()
    assert QUESTION in line
    assert REASON in line
