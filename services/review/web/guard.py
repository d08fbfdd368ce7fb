"""What stands before every page and every call of the API.

In this order: how often an address may ask, the path, the size of the body, the session, and for
what changes something the CSRF token (OWASP, CSRF Prevention Cheat Sheet: synchronizer token). Each
refusal is counted and put on the record; of an address that asks too often the first of a minute
is, or there would be too many records.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from secrets import compare_digest
from typing import Final
from urllib.parse import parse_qs, unquote

import structlog
from limits import RateLimitItem, RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.review.access import REFUSED, Counted, accessed
from services.review.identity import Identity
from services.review.web import headers as said
from services.review.web.current import IDENTITY, SCOPE, Current, identity
from services.review.web.session import Key, Lifetime, Session, Sessions
from shared.delivery.errors import OverloadedError

log = structlog.get_logger(__name__)

SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
TOKEN_FIELD: Final = "csrf"  # noqa: S105 - the name of the field
TOKEN_HEADER: Final = "x-csrf-token"  # noqa: S105 - the name of the header
_TOO_MANY: Final = "too_many"
_TOLD: Final = RateLimitItemPerMinute(1)
_SIGNING_IN: Final = "/sign-in"
_STATIC: Final = "/static/"
_SEEN_WITHIN: Final = timedelta(minutes=1)
_FORM: Final = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Limits:
    """What is bounded: requests and steps of signing in of one address, and a body's bytes."""

    requests: RateLimitItem
    sign_ins: RateLimitItem
    body_bytes: int

    @classmethod
    def per_minute(cls, requests: int, sign_ins: int, body_bytes: int) -> "Limits":
        """Return limits whose window is a minute."""
        return cls(RateLimitItemPerMinute(requests), RateLimitItemPerMinute(sign_ins), body_bytes)


Bearer = Callable[[str], Awaitable[Identity | None]]
"""Say whose token this is; None for nobody's."""


class _Refused(Exception):  # noqa: N818 - no error of anybody's: it ends a request
    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class Guard:
    """The middleware. `secure`: browsers reach us by https, and send the cookie by nothing else."""

    def __init__(  # noqa: PLR0913 - what it guards with
        self,
        app: ASGIApp,
        *,
        sessions: Sessions,
        lifetime: Lifetime,
        accesses: Counted,
        limits: Limits,
        bearer: Bearer,
        secure: bool,
    ) -> None:
        self._app = app
        self._sessions = sessions
        self._lifetime = lifetime
        self._accesses = accesses
        self._limits = limits
        self._bearer = bearer
        self._secure = secure
        self._cookie = "__Host-glideslope" if secure else "glideslope"
        self._rates = MovingWindowRateLimiter(MemoryStorage())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it with why not."""
        if scope["type"] != "http":
            raise RuntimeError("the pages speak HTTP alone")
        connection = HTTPConnection(scope)
        held = Current()
        scope[SCOPE] = held
        scope["session"] = {}
        scope[IDENTITY] = None
        send = self._dressed(send, held, scope)
        try:
            body = await self._let_through(connection, receive)
        except OverloadedError as error:
            await PlainTextResponse(f"{error}\n", 503)(scope, receive, send)
            return
        except _Refused as refused:
            await PlainTextResponse(f"{refused}\n", refused.status)(scope, receive, send)
            return
        await self._app(scope, _replayed(body, receive), send)

    async def _let_through(self, connection: HTTPConnection, receive: Receive) -> bytes:
        """Return the body of a request that may pass. Raises `_Refused`, which is on the record."""
        scope, held = connection.scope, connection.scope[SCOPE]
        try:
            await self._limit(connection)
            held.key, held.session = await self._session(connection)
            scope["session"] = {} if held.session is None else held.session.data
            scope[IDENTITY] = await self._identify(connection, held.session)
            self._look_at_path(connection)
            body = await self._body(connection, receive)
            self._look_at_token(connection, held.session, body)
        except _Refused as refused:
            await self._put_down(connection, refused.code)
            raise
        return body

    async def _limit(self, connection: HTTPConnection) -> None:
        address = _address(connection)
        path = connection.scope["path"]
        if path.startswith(_STATIC):
            return
        fits = await self._rates.hit(self._limits.requests, "requests", address)
        if path.startswith(_SIGNING_IN):
            fits = await self._rates.hit(self._limits.sign_ins, "sign-ins", address) and fits
        if not fits:
            raise _Refused(429, _TOO_MANY, "too many requests: wait a minute")

    async def _session(self, connection: HTTPConnection) -> tuple[Key | None, Session | None]:
        secret = connection.cookies.get(self._cookie)
        if secret is None:
            return None, None
        key = Key(secret)
        session = await self._sessions.load(key)
        now = datetime.now(UTC)
        if session is None or self._lifetime.is_over(session, now):
            await self._sessions.delete(key)
            await self._record(connection, "session_over")
            connection.scope[SCOPE].ended = True
            return None, None
        if now - session.seen > _SEEN_WITHIN:
            await self._sessions.touch(key, now)
        return key, session

    async def _identify(
        self, connection: HTTPConnection, session: Session | None
    ) -> Identity | None:
        if session is not None and session.identity is not None:
            return session.identity
        scheme, _, token = connection.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        found = await self._bearer(token.strip())
        if found is None:
            raise _Refused(401, "bad_token", "this token is nobody's: get a new one")
        return found

    def _look_at_path(self, connection: HTTPConnection) -> None:
        raw = connection.scope.get("raw_path") or b""
        path = unquote(unquote(raw.decode("latin-1")))
        if ".." in path.replace("\\", "/").split("/") or "\0" in path:
            raise _Refused(400, "bad_path", "no such page")

    async def _body(self, connection: HTTPConnection, receive: Receive) -> bytes:
        most = self._limits.body_bytes
        length = connection.headers.get("content-length", "0")
        too_large = _Refused(
            413, "too_large", f"the body is larger than {most:,} bytes: shorten it"
        )
        if not length.isdecimal() or int(length) > most:
            raise too_large
        body = bytearray()
        more = connection.scope["method"] not in SAFE
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                break
            body += message.get("body", b"")
            if len(body) > most:
                raise too_large
            more = message.get("more_body", False)
        return bytes(body)

    def _look_at_token(
        self, connection: HTTPConnection, session: Session | None, body: bytes
    ) -> None:
        """Refuse a change that the person's own page has not sent.

        A bearer token is not sent by a browser of itself, so it needs none.
        """
        if connection.scope["method"] in SAFE or (
            session is None and identity(connection) is not None
        ):
            return
        site = connection.headers.get("sec-fetch-site", "same-origin")
        given = connection.headers.get(TOKEN_HEADER) or _field(connection.headers, body)
        if (
            site not in {"same-origin", "none"}
            or session is None
            or not compare_digest(given.encode(), session.csrf.encode())
        ):
            raise _Refused(403, "csrf", "this page is out of date: load it again, then repeat")

    async def _put_down(self, connection: HTTPConnection, code: str) -> None:
        if code == _TOO_MANY:
            address = _address(connection)
            if not await self._rates.hit(_TOLD, _TOO_MANY, address):
                self._accesses.count(code)
                return
            log.warning("an address asks too often", address=address)
        await self._record(connection, code)

    async def _record(self, connection: HTTPConnection, code: str) -> None:
        path = connection.scope["path"][:512]
        await self._accesses.record(accessed(identity(connection), REFUSED, code=code, at=path))

    def _dressed(self, send: Send, held: Current, scope: Scope) -> Send:
        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=message["headers"])
                for name, value in said.HEADERS.items():
                    headers[name] = value
                if self._secure:
                    headers["strict-transport-security"] = said.TLS_ONLY
                if not scope["path"].startswith(_STATIC):
                    headers["cache-control"] = said.PRIVATE
                    await self._keep(held, headers)
                message["headers"] = headers.raw
            await send(message)

        return dressed

    async def _keep(self, held: Current, headers: MutableHeaders) -> None:
        """Write the session back before the browser knows of it."""
        if (held.ended or held.begun) and held.key is not None:
            await self._sessions.delete(held.key)
        if held.begun:
            held.key = Key.new()
            headers.append("set-cookie", self._set_cookie(held.key.secret))
        elif held.ended:
            headers.append("set-cookie", self._set_cookie("", "; Max-Age=0"))
        if held.session is not None and held.key is not None and (held.begun or held.changed):
            await self._sessions.save(held.key, held.session)

    def _set_cookie(self, value: str, more: str = "") -> str:
        secure = "; Secure" if self._secure else ""
        return f"{self._cookie}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{more}"


def _address(connection: HTTPConnection) -> str:
    return connection.client.host if connection.client else "?"


def _field(headers: Headers, body: bytes) -> str:
    if not headers.get("content-type", "").startswith(_FORM):
        return ""
    fields = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True)
    return fields.get(TOKEN_FIELD, [""])[0]


def _replayed(body: bytes, receive: Receive) -> Receive:
    """Give the body that was read already, then what comes."""
    given = False

    async def replayed() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replayed
