from dataclasses import replace

import pytest

from glideslope.dead_letters import Letter, Position
from glideslope.redrive import Selection, SelectionError
from shared import topics
from shared.delivery import Record
from shared.delivery.dead_letters import dead_letter
from shared.settings import Settings

SETTINGS = Settings(topic_prefix="p.")
SOURCES = {SETTINGS.topic(topic): topic for topic in topics.ALL}


def letter(service: str = "inference", topic: str = "p.requests.accepted") -> Letter:
    record = Record(topic, 0, 17, 0, b"k", b"{}", (("ce_release", b"abc"),))
    output = dead_letter(record, RuntimeError("boom"), topic="", service=service, attempts=6)
    return Letter.read(replace(record, offset=3, headers=output.headers), SOURCES)


@pytest.mark.parametrize(
    ("where", "matches"),
    [
        ("", True),
        ("service=inference", True),
        ("service=validator", False),
        ("service=validator service=inference", True),
        ("service=inference reason-code=RuntimeError source-topic=requests.accepted", True),
        ("source-topic=p.requests.accepted release=abc error=RuntimeError", True),
        ("service=inference release=other", False),
    ],
)
def test_all_that_is_asked_for_must_be_so(where: str, matches: bool) -> None:
    selection = Selection(Selection.terms(where, SETTINGS))

    assert selection.matches(letter()) is matches


def test_positions_are_the_only_ones() -> None:
    assert Selection(positions=frozenset({Position(0, 3)})).matches(letter())
    assert not Selection(positions=frozenset({Position(1, 3)})).matches(letter())


@pytest.mark.parametrize("where", ["service", "colour=red", "=x", "service='x"])
def test_what_selects_nothing_is_told_with_what_would(where: str) -> None:
    with pytest.raises(SelectionError, match="reason-code, source-topic"):
        Selection.terms(where, SETTINGS)


def test_a_selection_goes_on_the_record_as_it_was_meant() -> None:
    where = Selection.terms("service=inference release=abc", SETTINGS)
    selection = Selection(where, frozenset({Position(0, 3)}), again=True, limit=5)

    assert str(selection) == (
        "service=inference release=abc --position dead.letters/0/3 --again --limit 5"
    )
