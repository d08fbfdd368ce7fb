import subprocess
from pathlib import Path

import pytest

from deploy.ci.release import notes, obstacles, outside

CHANGELOG = """# Changelog

## [Unreleased]

### Added
- Something new.

## [0.2.0] - 2026-12-01

### Fixed
- A thing.

## [0.1.0] - 2026-11-01

[0.2.0]: https://example.com
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for path in ("pyproject.toml", "shared/pyproject.toml", "services/ingest/pyproject.toml"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text('[project]\nversion = "0.2.0"\n')
    chart = tmp_path / "deploy/helm/glideslope/Chart.yaml"
    chart.parent.mkdir(parents=True)
    chart.write_text("version: 0.2.0\nappVersion: 0.2.0\n")
    (tmp_path / "CHANGELOG.md").write_text(CHANGELOG)
    return tmp_path


def test_a_version_that_everything_says_can_be_released(tree: Path) -> None:
    assert obstacles(tree, "0.2.0") == []


@pytest.mark.parametrize(
    "path",
    ["pyproject.toml", "services/ingest/pyproject.toml", "deploy/helm/glideslope/Chart.yaml"],
)
def test_each_file_that_says_another_version_is_named(tree: Path, path: str) -> None:
    (tree / path).write_text((tree / path).read_text().replace("0.2.0", "0.1.9"))

    found = obstacles(tree, "0.2.0")

    assert found
    assert all(each.startswith(path) and "says 0.1.9" in each for each in found)


@pytest.mark.parametrize("version", ["v0.2.0", "0.2", "latest", ""])
def test_what_is_no_version_is_told(tree: Path, version: str) -> None:
    assert "is no version" in obstacles(tree, version)[0]


def test_a_version_without_notes_is_not_released(tree: Path) -> None:
    assert notes(CHANGELOG, "0.1.0") is None
    assert notes(CHANGELOG, "0.3.0") is None
    assert any("CHANGELOG.md" in each for each in obstacles(tree, "0.1.0"))


def test_the_notes_of_a_version_are_its_own() -> None:
    assert notes(CHANGELOG, "0.2.0") == "### Fixed\n- A thing."


def test_a_commit_that_was_not_merged_is_not_released(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    who = ("-c", "user.name=jo", "-c", "user.email=jo@example.com", "-c", "commit.gpgsign=false")
    commit = ("commit", "--quiet", "--allow-empty", "--message")
    for words in (
        ("init", "--quiet", "--initial-branch", "main"),
        (*commit, "merged"),
        ("checkout", "--quiet", "-b", "other"),
    ):
        subprocess.run(("git", *who, *words), check=True)
    assert outside("main") == []

    subprocess.run(("git", *who, *commit, "never merged"), check=True)

    [found] = outside("main")
    assert found.startswith("this commit is not on main")
    assert outside("no-such-branch") != []
