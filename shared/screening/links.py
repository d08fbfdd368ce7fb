"""Links and images that carry data out: whoever renders them sends it along.

Source: the Markdown image attack on chat assistants, OWASP LLM02:2025 and LLM05:2025.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote, urlsplit

_MARKDOWN: Final = re.compile(
    r"(?P<image>!)?\[[^\]\n]{0,300}\]\(\s{0,5}<?(?P<url>(?:https?:)?//[^\s)>]{1,2000})"
)
_REFERENCE: Final = re.compile(
    r"^\s{0,3}\[[^\]\n]{1,100}\]:\s{0,5}<?(?P<url>https?://\S{1,2000})", re.MULTILINE
)
_HTML: Final = re.compile(
    r"<(?P<tag>img|iframe|script|video|audio|source|embed|object|link|a|form|svg|input|base|meta)\b[^<>]{0,500}?"
    r"\b(?:src|href|action|data|srcset|content)\s{0,3}=\s{0,3}[\"']?(?:\d+;\s?url=)?(?P<url>(?:https?:)?//[^\s\"'<>]{1,2000})",
    re.IGNORECASE,
)
_BARE: Final = re.compile(r"(?<![\w(<\"'=/])https?://[^\s<>\"')\]]{1,2000}", re.IGNORECASE)
_SCRIPT: Final = re.compile(
    r"\]\(\s{0,5}<?(?:javascript|data|vbscript):|<script\b|\son\w{3,20}\s?=\s?[\"']", re.IGNORECASE
)
_ADDRESSES: Final = (("](", _MARKDOWN), ("<", _HTML), ("]:", _REFERENCE), ("://", _BARE))
"""Each pattern of a link with what it matches nothing without."""
_OF_SCRIPT: Final = ("](", "<", "=")
"""One of these is in all that `_SCRIPT` matches."""
_PAYLOAD: Final = re.compile(
    r"\{[^{}]{1,100}\}|\[[A-Z_ ]{3,60}\]|\$\{|<[a-z_ ]{3,60}>"
    r"|\b(?:INSERT|REPLACE|CONVERSATION|SECRET|PASSWORD|DATA_HERE)\b"
)
_CARRIER: Final = re.compile(
    r"^(?:q|d|data|c|conv|conversation|history|chat|msg|message|secret|token|key|password|pwd|user|prompt|context|"
    r"payload|info|content|leak|exfil|answer|summary|text|body)$",
    re.IGNORECASE,
)
_LONG: Final = 24
_ENCODED: Final = re.compile(r"(?=[\w+/%-]*\d)(?=[\w+/%-]*[A-Za-z])[\w+/%-]{32,}={0,2}")


@dataclass(frozen=True, slots=True)
class Link:
    """A link out. `automatic`: it is fetched when it is shown, without a click."""

    reason: str
    url: str
    host: str
    start: int
    end: int
    automatic: bool
    carries: bool


def links_out(text: str) -> Iterator[Link]:
    """Yield the links, images and scripts of a text, each place once."""
    # looking for a mark costs a hundredth of searching for the pattern that has it
    likely = [pattern for mark, pattern in _ADDRESSES if mark in text] if "//" in text else []
    taken: list[tuple[int, int]] = []
    for pattern in likely:
        for found in pattern.finditer(text):
            groups = found.groupdict()
            start, end = found.span()
            if any(start < e and s < end for s, e in taken):
                continue
            taken.append((start, end))
            tag = (groups.get("tag") or "").lower()
            automatic = bool(groups.get("image")) or (bool(tag) and tag not in {"a", "form"})
            yield _link(groups.get("url") or found[0], start, end, automatic=automatic)
    if not any(mark in text for mark in _OF_SCRIPT):
        return
    for found in _SCRIPT.finditer(text):
        yield Link("a script", found[0], "script", *found.span(), automatic=True, carries=True)


def _link(url: str, start: int, end: int, *, automatic: bool) -> Link:
    carries = _carries(url)
    what = "an image or frame that is fetched when it is shown" if automatic else "a link"
    reason = f"{what}, with data in its address" if carries else what
    return Link(reason, url, host(url), start, end, automatic, carries)


def host(url: str) -> str:
    """Return the host that an address sends to; all of the address where it has none."""
    try:
        return (urlsplit(url if "//" in url else f"//{url}").hostname or url).lower()
    except ValueError:
        return url.lower()


def _carries(url: str) -> bool:
    """Say whether there is room for somebody's data in an address, and signs of it."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return True
    if _PAYLOAD.search(unquote(url)) or parts.password is not None or _ENCODED.search(parts.path):
        return True
    for pair in parts.query.split("&") if parts.query else []:
        name, _, value = pair.partition("=")
        if _ENCODED.search(value) or len(value) >= _LONG or (value and _CARRIER.match(name)):
            return True
    return False
