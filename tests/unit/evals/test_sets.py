import json
from pathlib import Path

import pytest

from evals.sets import SetError, load


def written(path: Path, *rows: object) -> Path:
    path.write_text("\n".join(json.dumps(row) for row in rows) + "\n")
    return path


OWN = {"question": "?", "answer": "a", "passages": [{"id": "1", "text": "t"}], "supported": True}


def test_a_row_of_validate_with_a_label_is_a_set(tmp_path: Path) -> None:
    (example,) = load(written(tmp_path / "set.jsonl", {**OWN, "id": "x", "group": "g"}))
    assert (example.id, example.group, example.passages, example.supported) == (
        "x",
        "g",
        ("t",),
        True,
    )


def test_public_sets_are_told_by_their_fields(tmp_path: Path) -> None:
    ragtruth = {
        "question": "q",
        "context": ["c"],
        "answer": "a b c",
        "supported": False,
        "unsupported_spans": [{"start": 2, "end": 3, "text": "b"}],
    }
    (example,) = load(written(tmp_path / "r.jsonl", ragtruth))
    assert (example.set, example.spans) == ("ragtruth", ((2, 3),))
    financebench = {
        "id": "1",
        "company": "Larkspur",
        "question": "q",
        "context": ["c"],
        "answer": "a",
        "label": "refusal",
        "mode": "oracle",
    }
    (example,) = load(written(tmp_path / "f.jsonl", financebench))
    assert (example.set, example.supported, example.refuses) == ("financebench", False, True)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "is empty"),
        ("no json\n", "line 1, is no JSON"),
        ("[1]\n", "is no JSON object"),
        ('{"colour": "red"}\n', "fields of no known set"),
        (json.dumps(OWN) + '\n{"question": "?"}\n', "lacks"),
    ],
)
def test_what_is_no_set_is_told_with_what_is_wrong(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "set.jsonl"
    path.write_text(content)
    with pytest.raises(SetError, match=said):
        load(path)
