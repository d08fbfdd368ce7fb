"""The release that a new request is pinned to, and the one that gets a copy of it."""

from dataclasses import dataclass
from hashlib import blake2b
from typing import Final, Protocol

from services.ingest.arrival import Arrival
from shared.events import RoutingChanged

_DIGEST_BYTES: Final = 6
_SPACE: Final = 2 ** (8 * _DIGEST_BYTES)


@dataclass(frozen=True, slots=True)
class Pinned:
    """Content hashes: the release that answers, and the one in shadow, if a copy is due."""

    release: str
    shadow: str | None = None
    is_canary: bool = False


class Releases(Protocol):
    """Knows which releases requests are pinned to now."""

    def pin(self, conversation: bytes) -> Pinned:
        """Return what a request of the conversation is pinned to."""


def conversation(key: bytes | None, arrival: Arrival) -> bytes:
    """Return what a request is routed by: its record key; without one, the request itself."""
    if key is not None:
        return key
    return f"{arrival.source}\n{arrival.id}".encode()


def pinned(routing: RoutingChanged | None, default: str, conversation: bytes) -> Pinned:
    """Return what a request of the conversation is pinned to; `default` while none is promoted.

    The same conversation has the same answer until the routing changes, and one that a canary
    answers stays with it when its share grows.
    """
    if routing is None:
        return Pinned(default)
    canary, shadow = routing.canary, routing.shadow
    on_canary = canary is not None and place(canary.release, conversation) < canary.percent
    copied = shadow is not None and place(shadow.release, conversation) < shadow.percent
    return Pinned(
        release=canary.release if canary and on_canary else routing.promoted or default,
        shadow=shadow.release if shadow and copied else None,
        is_canary=on_canary,
    )


def place(release: str, conversation: bytes) -> float:
    """Return where a conversation stands among all, from 0 to 100, evenly spread.

    Each release has an order of its own, so that it is not the same people who try every one.
    """
    digest = blake2b(conversation, key=release.encode()[:64], digest_size=_DIGEST_BYTES).digest()
    return int.from_bytes(digest) * 100 / _SPACE
