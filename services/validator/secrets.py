"""Secrets in a text: keys, tokens, connection strings with a password, by Yelp's detect-secrets.

Only its detectors of a known form run; those of high entropy take any long identifier for one.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final

from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
from detect_secrets.plugins.base import RegexBasedDetector

_LEFT_OUT: Final = frozenset(
    {
        "Base64 High Entropy String",
        "Hex High Entropy String",
        "Public IP (ipv4)",
        "Secret Keyword",  # it takes any word after 'password is'; see _NAMED
        "SoftLayer Credentials",
        "IBM COS HMAC Credentials",
        "IBM Cloud IAM Key",
        "Cloudant Credentials",
        "Telegram Bot Token",
        "Artifactory Credentials",
    }
)
_CUES: Final = ("://", "-----begin", "passw", "pwd", "secret", "token", "key")
_LONG_RUN: Final = re.compile(r"(?<![\w+/=-])[\w+/=-]{16}")
"""What each has: an address, a key's first line, a word that names it, or a long run."""
_LONGEST_LINE: Final = 4_000
_NAMED: Final = re.compile(
    r"(?<![A-Za-z])(?:password|passwd|pwd|passphrase|secret(?:[ _-]?key)?|api[ _-]?key"
    r"|access[ _-]?(?:key|token)|auth[ _-]?token|client[ _-]?secret|private[ _-]?key"
    r"|account[ _-]?key)\"?'?\s{0,2}(?:=|:|\bis\b)\s{0,2}[\"'`]?(?P<value>[^\s\"'`;,]{8,200})",
    re.IGNORECASE,
)
_CONNECTION: Final = re.compile(
    r"\b[a-z][a-z0-9+.-]{1,30}://[^\s:/@\"'<>]{0,100}:(?P<value>[^\s:/@\"'<>]{1,200})@[\w.-]{1,200}",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Secret:
    """What kind of secret, and where its value stands."""

    type: str
    start: int
    end: int


def find(text: str) -> list[Secret]:
    """Return the secrets of a text, in its order, each place once."""
    if not any(map(text.casefold().__contains__, _CUES)) and not _LONG_RUN.search(text):
        return []
    kept: list[Secret] = []
    for each in _all(text):  # those that know where the value is come first
        if not any(each.start < other.end and other.start < each.end for other in kept):
            kept.append(each)
    return sorted(kept, key=lambda secret: secret.start)


def _all(text: str) -> Iterator[Secret]:
    for match in _CONNECTION.finditer(text):
        yield Secret("connection string with a password", *match.span("value"))
    for match in _NAMED.finditer(text):
        if _looks_random(match["value"]):
            yield Secret("password or key", *match.span("value"))
    offset = 0
    for line in text.splitlines(keepends=True):
        for at in range(0, len(line), _LONGEST_LINE):
            yield from _detected(line[at : at + _LONGEST_LINE], offset + at)
        offset += len(line)


def _looks_random(value: str) -> bool:
    """Say whether a value is no word: it has digits or marks beside its letters."""
    return bool(re.search(r"\d|[^\w.]", value.rstrip(".!?)"))) and bool(
        re.search(r"[A-Za-z]", value)
    )


def _detected(line: str, offset: int) -> Iterator[Secret]:
    for detector in _detectors():
        for pattern in detector.denylist:
            for match in pattern.finditer(line):
                yield Secret(detector.secret_type, offset + match.start(), offset + match.end())


@cache
def _detectors() -> tuple[RegexBasedDetector, ...]:
    found: dict[str, type] = get_mapping_from_secret_type_to_class()
    return tuple(
        kind()
        for name, kind in sorted(found.items())
        if name not in _LEFT_OUT and issubclass(kind, RegexBasedDetector)
    )
