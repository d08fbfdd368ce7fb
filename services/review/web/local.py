"""Signing in on a laptop: a link that works once, printed where the service runs.

Whoever can read the service's terminal, or its user's files, is its user. The pages listen on a
loopback address then, and nowhere else (`WebSettings`).
"""

import getpass
import os
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from secrets import compare_digest
from typing import Final

from services.review.identity import Identity, Role

LINK_PATH: Final = "/sign-in/link"
_LIFETIME: Final = timedelta(minutes=15)
_MOST: Final = 3
_SECRET_BYTES: Final = 32


class LocalSignIn:
    """Makes links for one person, the user of this machine, and takes each once.

    `show` gets each link: it is printed, and nowhere else to be had. A bearer token for the command
    line is in `token_file`, which only the user can read.
    """

    def __init__(
        self, tenants: frozenset[str], show: Callable[[str], None], token_file: Path | None = None
    ) -> None:
        self.identity = Identity(getpass.getuser(), frozenset(Role), tenants)
        self._show = show
        self._open: dict[str, datetime] = {}
        self._token = secrets.token_urlsafe(_SECRET_BYTES)
        if token_file is not None:
            write_private(token_file, self._token)

    def offer(self, base: str) -> None:
        """Show a new link, good for a quarter of an hour; of the last three each works."""
        token = secrets.token_urlsafe(_SECRET_BYTES)
        self._open[token] = datetime.now(UTC) + _LIFETIME
        while len(self._open) > _MOST:
            self._open.pop(next(iter(self._open)))
        self._show(f"{base}{LINK_PATH}?token={token}")

    def take(self, token: str) -> Identity | None:
        """Return who holds a link, which then works no more."""
        for each, until in list(self._open.items()):
            if compare_digest(each.encode(), token.encode()):
                del self._open[each]
                return self.identity if datetime.now(UTC) <= until else None
        return None

    async def bearer(self, token: str) -> Identity | None:
        """Return whose token of the command line this is."""
        return self.identity if compare_digest(self._token.encode(), token.encode()) else None


def write_private(path: Path, text: str) -> None:
    """Write a file that nobody but the user can read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
