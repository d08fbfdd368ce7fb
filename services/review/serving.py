"""The address at which reviewers are served."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from services.review.settings import ReviewSettings
from shared import web


class AddressError(OSError):
    """The address is taken, or not this machine's."""

    def __init__(self, host: str, port: int, error: OSError) -> None:
        super().__init__(
            f"cannot serve reviewers on {host}:{port} ({error.strerror or error}): set "
            "GLIDESLOPE_REVIEW_PORT to a free port, or to 0 for any, and GLIDESLOPE_REVIEW_HOST to "
            "an address of this machine"
        )


@asynccontextmanager
async def serving(settings: ReviewSettings, app: Any) -> AsyncIterator[str]:
    """Serve an ASGI app while the context is open; yields the base URL.

    It stands in `review/url` of the home folder, too, where the command line finds it. Raises
    `AddressError`.
    """
    host, port = settings.review_host, settings.review_port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family)
    except OSError as error:
        raise AddressError(host, port, error) from error
    async with web.serving(app, listener) as url:
        found = settings.review_folder / "url"
        found.parent.mkdir(parents=True, exist_ok=True)
        found.write_text(url)
        try:
            yield url
        finally:
            found.unlink(missing_ok=True)
