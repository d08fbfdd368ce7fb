"""TLS to brokers, with certificates that are replaced on disk while we run.

A connection takes the files as they are when it is made. One that is open goes on with what it has;
cert-manager and others replace a certificate long before it runs out.
"""

import os
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import structlog

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Files:
    """Where the certificates are, in PEM. Without an `authority` it is those of this machine."""

    authority: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    key_password: str | None = field(default=None, repr=False)

    def state(self) -> tuple[tuple[int, int, int], ...]:
        """Return what changes when a file is replaced or written. Raises `OSError`."""
        there = [each for each in (self.authority, self.certificate, self.key) if each]
        return tuple((s.st_ino, s.st_size, s.st_mtime_ns) for s in map(os.stat, there))

    def read(self) -> ssl.SSLContext:
        """Return a context made of them. Raises `CertificatesError`."""
        try:
            context = ssl.create_default_context(cafile=self.authority)
            if self.certificate is not None:
                context.load_cert_chain(self.certificate, self.key, self._password)
        except (OSError, ValueError) as error:  # SSLError is an OSError
            raise CertificatesError(self, error) from error
        return context

    def _password(self) -> str:
        # asked for only where the key has one; a terminal would be asked otherwise
        return self.key_password or ""


class CertificatesError(Exception):
    """The files hold no certificates that go together."""

    def __init__(self, files: Files, error: Exception) -> None:
        super().__init__(
            f"the certificates for Kafka cannot be used ({type(error).__name__}: {error}): see "
            f"KAFKA_SSL_CA_FILE, KAFKA_SSL_CERTIFICATE_FILE and KAFKA_SSL_KEY_FILE ({files})"
        )


class Certificates(ssl.SSLContext):
    """What a client is given for a context: each connection is made with the files' newest state.

    Files that do not go together (one is replaced, the other not yet) are passed over: the last
    good ones serve until they do. Raises `CertificatesError` if they do not at the start.
    """

    def __new__(cls, files: Files) -> Self:
        """Make the context that clients hold; it begins no connection itself."""
        del files
        return super().__new__(cls, ssl.PROTOCOL_TLS_CLIENT)

    def __init__(self, files: Files) -> None:
        self._files = files
        self._context = files.read()
        self._state = files.state()

    def wrap_bio(self, *args: Any, **kwargs: Any) -> ssl.SSLObject:
        """Begin a connection: asyncio and uvloop call this once for each."""
        self._read_on()
        return self._context.wrap_bio(*args, **kwargs)

    def _read_on(self) -> None:
        try:
            state = self._files.state()
            if state == self._state:
                return
            self._context = self._files.read()
        except (CertificatesError, OSError) as error:
            _log.warning("certificates not read", error=str(error), advice="the last ones serve on")
        else:
            self._state = state
            _log.info("certificates read anew", files=repr(self._files))
