"""Looks for secrets in every file that git has or would take; part of `make check`.

What finds them is what holds back answers that hold one: services/validator/secrets.py. The history
is `make secrets-history`'s.
"""

import re
import subprocess
import sys
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from deploy.ci.exceptions import FILE, Exceptions, Known
from services.validator import secrets

_QUOTES: Final = frozenset("\"'`")
_CODE: Final = frozenset("([")
_PLACEHOLDER: Final = re.compile(
    r"\$[{(]|\$[A-Z_]+$|\{|%\w$|<|.*…"  # what fills it in is elsewhere
    r"|(?i:password|secret)$"  # the word for it
    r"|[A-Za-z-]+\}+$"  # the name of a Kubernetes Secret, in braces of YAML
)


@dataclass(frozen=True, slots=True)
class Leak:
    """Where a secret stands. Its value is never shown: logs of CI are read by many."""

    path: str
    line: int
    type: str
    digest: str


def find(path: str, text: str) -> Iterator[Leak]:
    """Return the secrets in a file."""
    for each in secrets.find(text):
        value = text[each.start : each.end]
        if _PLACEHOLDER.match(value):
            continue
        literal = text[each.start - 1] in _QUOTES or _CODE.isdisjoint(value)
        if path.endswith(".py") and not literal:
            continue  # `password=read(file)` and `token: list[str]` are code
        line = text.count("\n", 0, each.start) + 1
        yield Leak(path, line, each.type, sha256(value.encode()).hexdigest()[:16])


def unknown(leaks: Iterable[Leak], known: Collection[Known]) -> tuple[list[Leak], list[str]]:
    """Return the leaks that no exception names, and the exceptions that nothing needs any more."""
    allowed = {(each.path, digest) for each in known for digest in each.digests}
    found = list(leaks)
    unused = allowed - {(leak.path, leak.digest) for leak in found}
    return (
        [leak for leak in found if (leak.path, leak.digest) not in allowed],
        [f"{path} {digest}" for path, digest in sorted(unused)],
    )


def files(root: Path) -> Iterator[tuple[str, str]]:
    """Return the texts that are committed or could be, by path."""
    command = ("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    listed = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True)  # noqa: S603 - git
    for path in filter(None, listed.stdout.split("\0")):
        try:
            yield path, (root / path).read_text()
        except (UnicodeDecodeError, FileNotFoundError, IsADirectoryError):
            continue  # no text; deleted, and not yet committed; a submodule


def main() -> None:
    """Say where secrets stand, and end with 1 if there are any."""
    leaks = (leak for path, text in files(Path()) for leak in find(path, text))
    left, unused = unknown(leaks, Exceptions.read().secret)
    for leak in left:
        print(f"{leak.path}:{leak.line}: {leak.type} ({leak.digest})")
    for each in unused:
        print(f"{FILE.name}: {each} is nowhere any more: remove it")
    if left:
        print(
            "A secret that was pushed is known: revoke it first, then take it out. One that is\n"
            f"none (a test's) goes into deploy/ci/{FILE.name}, with its digits and the reason."
        )
    if left or unused:
        sys.exit(1)
    print("No secrets found in what git has.")


if __name__ == "__main__":
    main()
