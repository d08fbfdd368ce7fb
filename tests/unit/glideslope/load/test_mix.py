import json
from collections import Counter
from itertools import islice
from pathlib import Path

import pytest

from glideslope.load.mix import Entry, Mix, MixError, built_in, read


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "mix.jsonl"
    path.write_text(text)
    return path


def test_a_row_is_sent_as_it_stands_but_for_what_speaks_to_the_generator(tmp_path: Path) -> None:
    row = '{"question": "", "weight": 3, "tenant": "acme", "conversation": "c", "odd": [1]}\n\n'

    [entry] = read(written(tmp_path, row)).entries

    assert json.loads(entry.value) == {"question": "", "odd": [1]}
    assert (entry.weight, entry.tenant, entry.conversation) == (3, "acme", "c")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty: write one"),
        ('{"question": "a"}\n{"questoin": "b"}', "line 2: question: Field required"),
        ('{"question": "a", "weight": 0}', "line 1: weight: Input should be greater than 0"),
        ("[1]", "line 1: Input should be an object"),
        ("what?", "line 1: Invalid JSON"),
    ],
)
def test_a_bad_row_is_named_before_anything_is_sent(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(MixError, match=said):
        read(written(tmp_path, text))


def test_entries_are_drawn_by_weight_and_again_alike_by_the_same_seed() -> None:
    mix = Mix("m", [Entry(b"often", 3.0), Entry(b"seldom", 1.0)])

    drawn = list(islice(mix.draw(seed=7), 4000))

    assert 2800 < Counter(drawn)[mix.entries[0]] < 3200
    assert drawn == list(islice(mix.draw(seed=7), 4000))


def test_the_built_in_mix_brings_along_what_answers_its_questions() -> None:
    asked = [json.loads(each.value) for each in built_in().entries]

    by_question = {each["question"]: each["passages"] for each in asked}
    assert len(asked) == 11
    [report] = by_question["When does the annual general meeting take place?"]
    assert "14 May 2025" in report["text"]
    assert by_question["Who won the chess championship in Reykjavik?"] == []
    [lease] = by_question["What is the notice period of the Sallowby lease?"]
    assert lease["id"] == "lease-2025"
