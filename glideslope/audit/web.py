"""A log's objects as a web server gives them: checkpoint, tiles and keys (C2SP tlog-tiles)."""

from collections.abc import Iterator
from typing import Final

import httpx

from glideslope.audit.objects import MissingObjectError, PlainObjects, UnreadableObjectError

_SECONDS: Final = 30.0
_TRIES: Final = 3
_AT_MOST: Final = 32 << 20
"""A bundle of 256 entries has at most 16 MiB: a server that sends more is none of a log."""


class WebObjects(PlainObjects):
    """A log below a web address."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        transport = httpx.HTTPTransport(retries=_TRIES)
        self._client = httpx.Client(timeout=_SECONDS, transport=transport)

    @property
    def place(self) -> str:
        """The address."""
        return self._url

    def read(self, name: str) -> bytes:
        """Return an object's bytes. Raises `MissingObjectError`, `UnreadableObjectError`."""
        try:
            with self._client.stream("GET", f"{self._url}/{name}") as answer:
                if answer.status_code in {httpx.codes.NOT_FOUND, httpx.codes.GONE}:
                    raise MissingObjectError(name)
                answer.raise_for_status()
                raw = b""
                for part in answer.iter_bytes():
                    raw += part
                    if len(raw) > _AT_MOST:
                        raise UnreadableObjectError(f"{name}: it is too long to be one of a log")
                return raw
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise UnreadableObjectError(f"{self._url}/{name}: {error}") from error

    def names(self) -> Iterator[str]:
        """See `Objects`. A server has no list of what is there."""
        yield from ()

    def cosignatures(self) -> Iterator[str]:
        """See `Objects`. They are lines of the checkpoint that is served."""
        yield from ()

    def close(self) -> None:
        """Let go of the connection."""
        self._client.close()
