import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[4]
PROGRAM = ROOT / "deploy" / "ci" / "secrets-history"
GITHUB = "ghp_" + "a1B2c3D4e5F6" * 3


@pytest.fixture(autouse=True)
def built() -> None:
    version = re.search(r"^version=(\S+)$", PROGRAM.read_text(), re.MULTILINE)
    assert version
    own = ROOT / ".venv" / "tools" / f"gitleaks-{version[1]}" / "gitleaks"
    if not own.exists() and shutil.which("gitleaks") is None:
        pytest.skip("gitleaks is not here: `make secrets-history` builds it, if there is Go")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    git(tmp_path, "init", "--quiet", str(folder))
    commit(folder, "begin", "nothing to see\n")
    return folder


def git(folder: Path, *words: str) -> None:
    who = ("-c", "user.name=jo", "-c", "user.email=jo@example.com", "-c", "commit.gpgsign=false")
    subprocess.run(("git", *who, *words), cwd=folder, check=True)


def commit(folder: Path, message: str, text: str) -> None:
    (folder / "settings.txt").write_text(text)
    git(folder, "add", "settings.txt")
    git(folder, "commit", "--quiet", "--message", message)


def searched(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([PROGRAM], cwd=folder, capture_output=True, text=True, check=False)


def test_a_secret_that_was_taken_out_again_is_still_found_and_not_shown(repository: Path) -> None:
    commit(repository, "a secret", f"token = {GITHUB}\n")
    commit(repository, "out again", "nothing to see\n")

    found = searched(repository)

    assert found.returncode == 1
    assert "github-pat" in found.stdout
    assert "revoke it first" in found.stderr
    assert GITHUB not in found.stdout + found.stderr


def test_a_history_without_one_passes(repository: Path) -> None:
    found = searched(repository)

    assert (found.returncode, found.stdout) == (0, "No secrets found in 1 commits.\n")


def test_a_part_of_a_history_is_not_called_clean(repository: Path, tmp_path: Path) -> None:
    commit(repository, "another", "still nothing\n")
    git(tmp_path, "clone", "--quiet", "--depth", "1", f"file://{repository}", "shallow")

    found = searched(tmp_path / "shallow")

    assert found.returncode == 1
    assert "fetch --unshallow" in found.stderr
