"""Asks OSV, by pip-audit, for known vulnerabilities of what uv.lock names; part of `make check`.

Where OSV cannot be asked, the answer is 'not audited' and never 'none found'; with
`DEPENDENCY_AUDIT=required` (CI on the internet) that is a failure. What was audited is not asked
again on the same day. `OSV_URL` names a mirror.

Exit codes: 0 none, or not audited and not required; 1 there are some; 2 required and not audited.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, Final

import httpx

from deploy.ci.exceptions import FILE, Exceptions

_OSV: Final = "https://api.osv.dev/v1/query"
_VULNERABLE: Final = {"package": {"name": "pip", "ecosystem": "PyPI"}, "version": "9.0.0"}
"""CVE-2019-20916 and more: who does not know of these is no service of vulnerabilities."""
_BIN: Final = Path(sys.executable).parent
_STAMP: Final = Path(sys.prefix) / ".audited"


class NotAuditedError(Exception):
    """Nobody could be asked, or not of everything."""


@dataclass(frozen=True, slots=True)
class Advisory:
    """A vulnerability of a version that is locked."""

    package: str
    version: str
    id: str
    fixed: tuple[str, ...]

    def __str__(self) -> str:
        fixed = f"fixed in {', '.join(self.fixed)}" if self.fixed else "not fixed yet"
        return f"{self.package} {self.version}: {self.id}, {fixed}"


def advisories(report: Mapping[str, Any]) -> list[Advisory]:
    """Read pip-audit's report.

    Raises:
        NotAuditedError: it passed over a package. pip-audit ends with 0 all the same.
    """
    dependencies = report["dependencies"]
    skipped = [each for each in dependencies if "skip_reason" in each]
    if skipped or not dependencies:
        why = skipped[0]["skip_reason"] if skipped else "there is nothing in its report"
        raise NotAuditedError(f"{len(skipped)} of {len(dependencies)} were passed over: {why}")
    return [
        Advisory(each["name"], each["version"], found["id"], tuple(found["fix_versions"]))
        for each in dependencies
        for found in each["vulns"]
    ]


def answers(url: str) -> None:
    """Ask about a version that is known to be vulnerable.

    Raises:
        NotAuditedError: nobody answers there, or knows nothing of it.
    """
    try:
        reply = httpx.post(url, json=_VULNERABLE, timeout=5).raise_for_status().json()
    except (httpx.HTTPError, ValueError) as error:
        raise NotAuditedError(f"{url} does not answer: {error}") from error
    if not isinstance(reply, dict) or not reply.get("vulns"):
        raise NotAuditedError(f"{url} knows no vulnerability of pip 9.0.0, so it is no OSV")


def audit(url: str, accepted: list[str]) -> tuple[int, list[Advisory]]:
    """Return how many packages were audited, and what was found.

    Raises:
        NotAuditedError: pip-audit could not ask about each of them.
    """
    export = ("export", "--frozen", "--all-packages", "--all-extras", "--all-groups")
    pinned = ("--no-emit-workspace", "--no-header", "--quiet", "--format", "requirements.txt")
    locked = subprocess.run((_BIN / "uv", *export, *pinned), check=True, capture_output=True)  # noqa: S603 - uv
    with NamedTemporaryFile(suffix=".txt") as file:
        file.write(locked.stdout)
        file.flush()
        ask = ("--disable-pip", "--require-hashes", "-r", file.name, "-s", "osv", "--osv-url", url)
        form = ("-f", "json", "--progress-spinner", "off", "--timeout", "10")
        ignored = [word for each in accepted for word in ("--ignore-vuln", each)]
        done = subprocess.run(  # noqa: S603 - pip-audit
            (_BIN / "pip-audit", *ask, *form, *ignored), check=False, capture_output=True, text=True
        )
    try:
        report = json.loads(done.stdout)
    except ValueError as error:
        last = done.stderr.strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
        raise NotAuditedError(f"pip-audit has no report: {last[0]}") from error
    return len(report["dependencies"]), advisories(report)


def main() -> None:
    """Audit what is locked, unless that was done today."""
    accepted = Exceptions.read().accepted()
    today = (
        f"{datetime.now(UTC).date()} {sha256(Path('uv.lock').read_bytes()).hexdigest()} {accepted}"
    )
    if _STAMP.exists() and _STAMP.read_text() == today:
        print("Dependencies: no known vulnerabilities, as asked today.")
        return
    url = os.environ.get("OSV_URL") or _OSV
    try:
        answers(url)
        count, found = audit(url, accepted)
    except NotAuditedError as error:
        print(f"DEPENDENCIES ARE NOT AUDITED: {error}", file=sys.stderr)
        print("Whether they have known vulnerabilities is not known here.", file=sys.stderr)
        sys.exit(2 if os.environ.get("DEPENDENCY_AUDIT") == "required" else 0)
    for each in found:
        print(each)
    if found:
        print(f"Update them (uv lock --upgrade-package NAME), or say why not in {FILE.name}.")
        sys.exit(1)
    _STAMP.write_text(today)
    print(f"Dependencies: {count} audited, no known vulnerabilities.")


if __name__ == "__main__":
    main()
