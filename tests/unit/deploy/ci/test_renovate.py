"""What Renovate is told to look for is there, so that it is kept current."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[4]
MANAGERS = json.loads((ROOT / "renovate.json").read_text(encoding="utf-8"))["customManagers"]
MARK = re.compile(r"^# renovate: ", re.MULTILINE)


def found(manager: dict[str, Any]) -> dict[str, list[str]]:
    """Return the versions that a manager finds, by file, as Renovate's expressions are read."""
    places = [ROOT / "Dockerfile"]
    for folder, files in (("deploy/ci", "*"), ("tests", "tools.py"), (".github", "*.yml")):
        places += (ROOT / folder).rglob(files)
    paths = [each.relative_to(ROOT).as_posix() for each in places if each.is_file()]
    named = [each.strip("/") for each in manager["managerFilePatterns"]]
    sought = [each.replace("(?<", "(?P<") for each in manager["matchStrings"]]
    texts = {
        path: (ROOT / path).read_text(encoding="utf-8")
        for path in paths
        if "__pycache__" not in path and any(re.search(each, path) for each in named)
    }
    return {
        path: [match["currentValue"] for each in sought for match in re.finditer(each, text)]
        for path, text in texts.items()
    }


@pytest.mark.parametrize("manager", MANAGERS, ids=lambda each: str(each["description"]))
def test_each_of_its_own_rules_finds_something(manager: dict[str, Any]) -> None:
    assert any(found(manager).values())


def test_each_version_that_is_marked_for_it_is_found() -> None:
    [marked] = [each for each in MANAGERS if "# renovate:" in each["matchStrings"][0]]
    versions = found(marked)
    assert len([path for path, each in versions.items() if each]) >= 4
    for path, each in versions.items():
        assert len(each) == len(MARK.findall((ROOT / path).read_text(encoding="utf-8"))), path
