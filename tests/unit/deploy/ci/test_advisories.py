from datetime import date
from pathlib import Path
from typing import Any

import pytest

from deploy.ci.advisories import Advisory, NotAuditedError, advisories, main
from deploy.ci.exceptions import Accepted, Exceptions

ROOT = Path(__file__).parents[4]
CLEAN: dict[str, Any] = {"name": "idna", "version": "3.11", "vulns": []}
FOUND: dict[str, Any] = {
    "name": "jinja2",
    "version": "2.4",
    "vulns": [{"id": "PYSEC-2014-8", "fix_versions": ["2.7.2"], "aliases": ["CVE-2014-1402"]}],
}
SKIPPED: dict[str, Any] = {"name": "idna", "skip_reason": "Dependency not found on PyPI"}


def test_a_vulnerability_is_told_with_the_version_that_fixes_it() -> None:
    [found] = advisories({"dependencies": [CLEAN, FOUND]})

    assert found == Advisory("jinja2", "2.4", "PYSEC-2014-8", ("2.7.2",))
    assert str(found) == "jinja2 2.4: PYSEC-2014-8, fixed in 2.7.2"


@pytest.mark.parametrize("dependencies", [[CLEAN, SKIPPED], []])
def test_a_report_that_passes_over_a_package_is_no_audit(dependencies: list[Any]) -> None:
    with pytest.raises(NotAuditedError):
        advisories({"dependencies": dependencies})


def test_a_vulnerability_is_lived_with_until_its_day() -> None:
    until = Accepted(id="PYSEC-1", until=date(2026, 12, 31), reason="not reachable from our code")
    exceptions = Exceptions(vulnerability=(until,))

    assert exceptions.accepted(date(2026, 12, 31)) == ["PYSEC-1"]
    assert exceptions.accepted(date(2027, 1, 1)) == []


@pytest.mark.parametrize(("required", "code"), [("", 0), ("required", 2)], ids=["laptop", "CI"])
def test_where_nobody_can_be_asked_it_says_so_and_ci_fails(
    required: str,
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr("deploy.ci.advisories._STAMP", tmp_path / "never audited")
    monkeypatch.setenv("OSV_URL", "http://127.0.0.1:1/")
    monkeypatch.setenv("DEPENDENCY_AUDIT", required)

    with pytest.raises(SystemExit) as ended:
        main()

    said = capsys.readouterr()
    assert ended.value.code == code
    assert "DEPENDENCIES ARE NOT AUDITED: http://127.0.0.1:1/ does not answer" in said.err
    assert said.out == ""
