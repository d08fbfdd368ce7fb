"""The session that a request has, who sends it, and what is to become of both."""

from datetime import UTC, datetime
from typing import Any, Final

from starlette.requests import HTTPConnection

from services.review.identity import Identity
from services.review.web.session import Key, Session

SCOPE: Final = "glideslope.session"
"""Where the guard puts a request's `Current` into its ASGI scope."""
IDENTITY: Final = "review.identity"
"""And where who sends it."""


class Current:
    """The session of one request, and what is to become of it."""

    def __init__(self) -> None:
        self.key: Key | None = None
        self.session: Session | None = None
        self.begun = False
        self.changed = False
        self.ended = False


def session(connection: HTTPConnection) -> Session | None:
    """Return the session of a request; None where its browser has none."""
    held: Current = connection.scope[SCOPE]
    return held.session


def identity(connection: HTTPConnection) -> Identity | None:
    """Return who sends a request, None for nobody who is known."""
    found: Identity | None = connection.scope[IDENTITY]
    return found


def begin(connection: HTTPConnection) -> Session:
    """Give a request's browser a new session under a new secret; an old one ends."""
    held: Current = connection.scope[SCOPE]
    now = datetime.now(UTC)
    held.session = Session(began=now, seen=now)
    held.begun = True
    connection.scope["session"] = held.session.data
    return held.session


def remember(connection: HTTPConnection, name: str, value: Any) -> None:
    """Keep something, as JSON has it, for the next requests of a session; None forgets it."""
    held: Current = connection.scope[SCOPE]
    if held.session is not None:
        held.session.data.pop(name, None)
        if value is not None:
            held.session.data[name] = value
        held.changed = True


def end(connection: HTTPConnection) -> None:
    """End a request's session."""
    held: Current = connection.scope[SCOPE]
    held.session, held.ended = None, True
