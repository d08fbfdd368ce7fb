"""Finds out whether a version can be released, and writes its notes: `make release VERSION=0.2.0`.

Everything must say the same version, CHANGELOG.md must have its section, and nothing may be
uncommitted. With RELEASED_FROM=origin/main what is released must be a commit of that branch. Exit
codes: 0 dist/notes.md is written; 1 something is not so, and each is named.
"""

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from ruamel.yaml import YAML

_VERSION: Final = re.compile(r"\d+\.\d+\.\d+")
_CHART: Final = "deploy/helm/glideslope/Chart.yaml"


def versions(root: Path) -> Iterator[tuple[str, str]]:
    """Return each file that says a version, and the version."""
    for path in (root / "pyproject.toml", *sorted(root.glob("*/pyproject.toml"))):
        yield path.relative_to(root).as_posix(), _project(path)
    for path in sorted(root.glob("services/*/pyproject.toml")):
        yield path.relative_to(root).as_posix(), _project(path)
    if (root / _CHART).exists():
        chart = YAML(typ="safe").load(root / _CHART)
        yield f"{_CHART}: version", str(chart["version"])
        yield f"{_CHART}: appVersion", str(chart["appVersion"])


def notes(changelog: str, version: str) -> str | None:
    """Return what CHANGELOG.md says of a version (Keep a Changelog 1.1.0), None where nothing."""
    section = re.compile(
        rf"^## \[{re.escape(version)}\][^\n]*\n(.*?)(?=^## \[|^\[[^\]]+\]:|\Z)",
        re.DOTALL | re.MULTILINE,
    )
    found = section.search(changelog)
    return found[1].strip() or None if found else None


def obstacles(root: Path, version: str) -> list[str]:
    """Return why a version cannot be released, each with what to do; none is that it can."""
    if not _VERSION.fullmatch(version):
        return [f"{version!r} is no version: three numbers, such as 0.2.0, and no v"]
    found = [
        f"{where} says {said}: set it to {version}"
        for where, said in versions(root)
        if said != version
    ]
    if notes((root / "CHANGELOG.md").read_text(), version) is None:
        found.append(f"CHANGELOG.md has nothing under [{version}]: move what is under [Unreleased]")
    return found


def outside(branch: str) -> list[str]:
    """Return why what is checked out is not released: it is no commit of the branch."""
    command = ("git", "merge-base", "--is-ancestor", "HEAD", branch)
    if subprocess.run(command, check=False).returncode:  # noqa: S603 - git
        return [f"this commit is not on {branch}: merge it, and tag what was merged"]
    return []


def _project(path: Path) -> str:
    return str(tomllib.loads(path.read_text())["project"]["version"])


def _uncommitted() -> list[str]:
    status = ("git", "status", "--porcelain")
    return subprocess.run(status, check=True, capture_output=True, text=True).stdout.splitlines()  # noqa: S603 - git


def main() -> None:
    """Write the notes, or say what stands in the way."""
    version = os.environ.get("VERSION", "").removeprefix("v")
    found = obstacles(Path(), version)
    if left := _uncommitted():
        found.append(f"{len(left)} files are not committed: images are made of what is")
    if branch := os.environ.get("RELEASED_FROM"):
        found += outside(branch)
    for each in found:
        print(f"error: {each}", file=sys.stderr)
    if found:
        sys.exit(1)
    text = notes(Path("CHANGELOG.md").read_text(), version)
    Path("dist").mkdir(exist_ok=True)
    Path("dist/notes.md").write_text(f"{text}\n")


if __name__ == "__main__":
    main()
