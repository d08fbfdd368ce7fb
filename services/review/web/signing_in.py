"""The pages on which a person signs in and out, by whichever way is set."""

from collections.abc import Awaitable, Callable
from typing import Protocol
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from services.review.access import REFUSED, SIGNED_IN, SIGNED_OUT, AccessLog, accessed
from services.review.identity import Identity
from services.review.web import current
from services.review.web.local import LINK_PATH, LocalSignIn
from services.review.web.oidc import Provider, SignInError
from services.review.web.rendering import Templates

CALLBACK_PATH = "/sign-in/callback"
_NEXT = "next"


class Door(Protocol):
    """A way to sign in."""

    def routes(self) -> list[Route]:
        """Return its pages."""

    async def bearer(self, token: str) -> Identity | None:
        """Return whose token of the API this is."""


class _Desk:
    """What the ways have in common: letting in, refusing, and signing out."""

    def __init__(self, accesses: AccessLog, templates: Templates) -> None:
        self._accesses = accesses
        self._templates = templates

    async def let_in(
        self, request: Request, identity: Identity, called: str, onward: str
    ) -> Response:
        """Begin a session of the person; whatever was before it ends (session fixation)."""
        await self._accesses.record(accessed(identity, SIGNED_IN))
        session = current.begin(request)
        session.identity, session.called = identity, called
        return RedirectResponse(onward, 303)

    async def refuse(self, request: Request, code: str, message: str, status: int) -> Response:
        """Say why not, on the record."""
        await self._accesses.record(accessed(None, REFUSED, code=code, at=request.url.path))
        return self._templates.page(
            request, "message.html", status, title="Not signed in", message=message, retry=True
        )

    async def sign_out(self, request: Request) -> Response:
        """End the session."""
        await self._accesses.record(accessed(current.identity(request), SIGNED_OUT))
        current.end(request)
        return RedirectResponse("/sign-in", 303)

    def routes(self, show: Callable[[Request], Awaitable[Response]]) -> list[Route]:
        """Return the routes that every way has."""
        return [
            Route("/sign-in", show, methods=["GET"]),
            Route("/sign-out", self.sign_out, methods=["POST"]),
        ]


class OidcDoor:
    """At an OpenID provider; `base` is where browsers reach us."""

    def __init__(
        self, provider: Provider, base: str, accesses: AccessLog, templates: Templates
    ) -> None:
        self._provider = provider
        self._back = base.rstrip("/") + CALLBACK_PATH
        self._desk = _Desk(accesses, templates)
        self._templates = templates

    def routes(self) -> list[Route]:
        """Return its pages."""
        return [
            *self._desk.routes(self._show),
            Route("/sign-in/start", self._start, methods=["GET"]),
            Route(CALLBACK_PATH, self._finish, methods=["GET"]),
        ]

    async def bearer(self, token: str) -> Identity | None:
        """Return whose access token of the provider this is."""
        return await self._provider.bearer(token)

    async def _show(self, request: Request) -> Response:
        onward = _onward(request.query_params.get(_NEXT))
        return self._templates.page(request, "sign_in.html", way="oidc", onward=onward)

    async def _start(self, request: Request) -> Response:
        current.begin(request)
        current.remember(request, _NEXT, _onward(request.query_params.get(_NEXT)))
        return await self._provider.ask(request, self._back)

    async def _finish(self, request: Request) -> Response:
        onward = _onward(request.session.get(_NEXT))
        try:
            identity, called = await self._provider.answer(request)
        except SignInError as error:
            return await self._desk.refuse(request, error.code, str(error), 403)
        return await self._desk.let_in(request, identity, called, onward)


class LocalDoor:
    """By a link that the service prints."""

    def __init__(self, local: LocalSignIn, accesses: AccessLog, templates: Templates) -> None:
        self._local = local
        self._desk = _Desk(accesses, templates)
        self._templates = templates

    def routes(self) -> list[Route]:
        """Return its pages."""
        return [
            *self._desk.routes(self._show),
            Route("/sign-in/offer", self._offer, methods=["GET"]),
            Route(LINK_PATH, self._take, methods=["GET"]),
        ]

    async def bearer(self, token: str) -> Identity | None:
        """Return whose token of the command line this is."""
        return await self._local.bearer(token)

    async def _show(self, request: Request) -> Response:
        return self._templates.page(request, "sign_in.html", way="local", onward="/queue")

    async def _offer(self, request: Request) -> Response:
        if request.headers.get("sec-fetch-site", "none") not in {"none", "same-origin"}:
            # of many links only the last work: another site must not make ours old
            return await self._desk.refuse(request, "csrf", "Ask for it on this page itself.", 403)
        self._local.offer(str(request.base_url).rstrip("/"))
        return self._templates.page(request, "sign_in.html", way="offered", onward="/queue")

    async def _take(self, request: Request) -> Response:
        identity = self._local.take(request.query_params.get("token", ""))
        if identity is None:
            return await self._desk.refuse(
                request, "used_link", "This link was used, or is too old: ask for a new one.", 403
            )
        return await self._desk.let_in(request, identity, identity.name, "/queue")


class NoDoor:
    """No way to sign in is set."""

    def __init__(self, templates: Templates) -> None:
        self._templates = templates

    def routes(self) -> list[Route]:
        """Return the page that says so."""
        return [Route("/sign-in", self._show, methods=["GET"])]

    async def bearer(self, _token: str) -> Identity | None:
        """Return None: nobody is known."""
        return None

    async def _show(self, request: Request) -> Response:
        return self._templates.page(request, "sign_in.html", 503, way="none", onward="/queue")


def _onward(path: str | None) -> str:
    """Return where to go then: a path of our own, whatever was asked for (open redirects)."""
    if path is None or not path.startswith("/") or path.startswith(("//", "/\\")):
        return "/queue"
    parts = urlsplit(path)
    return "/queue" if parts.scheme or parts.netloc or "\\" in path else path
