"""A session: what the service remembers of a browser, under a secret that only the browser has.

Nothing about a person is in the cookie, so there is nothing in it to forge: it holds 256 random
bits, and the store knows their hash alone (OWASP, Session Management Cheat Sheet).
"""

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Protocol, Self

from services.review.identity import Identity

_SECRET_BYTES: Final = 32


@dataclass(slots=True)
class Session:
    """One browser's session. `identity` is None until its person has signed in.

    `csrf` must come back with everything that changes something. `data` is what signing in has to
    remember from its first step to its last. `called` is how the page addresses the person.
    """

    began: datetime
    seen: datetime
    identity: Identity | None = None
    called: str = ""
    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(_SECRET_BYTES))
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Lifetime:
    """How long a session lives: since its beginning, and since it was last seen."""

    longest: timedelta = timedelta(hours=8)
    idle: timedelta = timedelta(minutes=30)

    def is_over(self, session: Session, now: datetime) -> bool:
        """Whether a session has ended."""
        return now - session.began > self.longest or now - session.seen > self.idle


@dataclass(frozen=True, slots=True)
class Key:
    """A session's secret, and the name by which the store knows it."""

    secret: str

    @classmethod
    def new(cls) -> Self:
        """Return one that nobody has."""
        return cls(secrets.token_urlsafe(_SECRET_BYTES))

    @property
    def name(self) -> str:
        """SHA-256 of the secret: who reads the store cannot sign in with what is there."""
        return hashlib.sha256(self.secret.encode()).hexdigest()


class Sessions(Protocol):
    """Where sessions are kept. All processes of a deployment share one."""

    async def load(self, key: Key) -> Session | None:
        """Return a session, or None where there is none."""

    async def save(self, key: Key, session: Session) -> None:
        """Keep a session, new or changed."""

    async def touch(self, key: Key, seen: datetime) -> None:
        """Note when a session was seen; one that has ended meanwhile stays ended."""

    async def delete(self, key: Key) -> None:
        """Forget a session; one that is not there is forgotten already."""

    async def sweep(self, before: datetime) -> None:
        """Forget all sessions that began before a time."""
