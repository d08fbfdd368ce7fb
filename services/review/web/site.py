"""The pages as one application, with the guard before them and before the API beside them."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from services.review.access import REFUSED, AccessLog, Counted, Recorded, accessed
from services.review.errors import (
    NotAllowedError,
    ReviewError,
    UncheckedError,
    UnfitDecisionError,
    UnknownItemError,
)
from services.review.identity import Identity
from services.review.queue import Reviews
from services.review.web import current
from services.review.web.claims import Names
from services.review.web.guard import Guard, Limits
from services.review.web.item_pages import ItemPages
from services.review.web.live import Live
from services.review.web.local import LocalSignIn, write_private
from services.review.web.oidc import Provider
from services.review.web.queue_pages import QueuePages
from services.review.web.rendering import FOLDER, Templates
from services.review.web.session import Lifetime, Sessions
from services.review.web.settings import WebSettings
from services.review.web.signing_in import Door, LocalDoor, NoDoor, OidcDoor
from services.review.web.status import StatusPage
from shared.delivery.errors import OverloadedError
from shared.metrics import Metrics

log = structlog.get_logger(__name__)

_STATUS = {
    UnknownItemError: 404,
    NotAllowedError: 403,
    UncheckedError: 422,
    UnfitDecisionError: 422,
}
_CONFLICT = 409
_MESSAGES = {
    404: "There is no such page, or nothing of yours at it.",
    405: "This page does not take that.",
}
_UNAUTHORIZED = 401
_SWEEP_SECONDS: Final = 600


async def identify(request: Any) -> Identity | None:
    """Say who sends a request that has come through the guard."""
    return current.identity(request)


class Site:
    """What the service serves to browsers, and to the command line.

    `reviews` is the queue itself; people meet it only as `recorded`, by which their views are on
    the record. `api` is served under `/api`, behind the same
    guard. `show` gets each one-time
    link; without it they are printed, and kept in `review/link` of the home folder.
    """

    def __init__(
        self,
        reviews: Reviews,
        sessions: Sessions,
        accesses: AccessLog,
        settings: WebSettings,
        show: Callable[[str], None] | None = None,
    ) -> None:
        self._accesses = Counted(accesses)
        self.recorded = Recorded(reviews, self._accesses)
        self.local: LocalSignIn | None = None
        self._reviews = reviews
        self._sessions = sessions
        self._settings = settings
        self._templates = Templates()
        self._door = self._opened(show or self._print)

    def app(self, api: ASGIApp | None = None) -> ASGIApp:
        """Return the application."""
        settings = self._settings
        door = self._door
        routes: list[BaseRoute] = [
            *door.routes(),
            *QueuePages(self.recorded, self._templates).routes(),
            *Live(self._reviews).routes(),
            *ItemPages(self.recorded, self._templates).routes(),
            Mount("/static", StaticFiles(directory=FOLDER / "static")),
        ]
        if settings.review_status_page:
            routes += StatusPage(self._reviews, self._templates).routes()
        if api is not None:
            routes.append(Mount("/api", api))
        return Starlette(
            routes=routes,
            middleware=[
                Middleware(
                    Guard,
                    sessions=self._sessions,
                    lifetime=self.lifetime,
                    accesses=self._accesses,
                    limits=Limits.per_minute(
                        settings.review_requests_per_minute,
                        settings.review_sign_ins_per_minute,
                        settings.review_max_body_bytes,
                    ),
                    bearer=door.bearer,
                    secure=(settings.review_url or "").startswith("https:"),
                ),
                Middleware(TrustedHostMiddleware, allowed_hosts=settings.hosts),
            ],
            exception_handlers={
                ReviewError: self._refused,
                HTTPException: self._http,
                OverloadedError: self._unavailable,
            },
        )

    def measured(self, metrics: Metrics) -> None:
        """Say where refusals are counted."""
        self._accesses.metrics = metrics

    @asynccontextmanager
    async def open(self, url: str) -> AsyncIterator[None]:
        """Offer a first link at `url`, and forget old sessions, while the context is open."""
        self._link.unlink(missing_ok=True)
        if self.local is not None:
            self.local.offer(url)
        sweeping = asyncio.create_task(self._sweep(), name="sweep of sessions")
        try:
            yield
        finally:
            sweeping.cancel()
            await asyncio.gather(sweeping, return_exceptions=True)
            self._link.unlink(missing_ok=True)

    @property
    def _link(self) -> Path:
        return self._settings.review_folder / "link"

    def _print(self, link: str) -> None:
        write_private(self._link, link)
        print(f"sign in, once: {link}", file=sys.stderr, flush=True)  # noqa: T201 - it is asked for

    async def _sweep(self) -> None:
        while True:
            before = datetime.now(UTC) - self.lifetime.longest
            try:
                await self._sessions.sweep(before)
                await self._accesses.sweep(before)
            except OverloadedError as error:
                log.warning("nothing was swept", reason=str(error))
            await asyncio.sleep(_SWEEP_SECONDS)

    @property
    def lifetime(self) -> Lifetime:
        """How long sessions live."""
        return Lifetime(
            timedelta(hours=self._settings.review_session_hours),
            timedelta(minutes=self._settings.review_session_idle_minutes),
        )

    def _opened(self, show: Callable[[str], None]) -> Door:
        settings = self._settings
        if settings.review_sign_in == "oidc":
            secret = settings.review_oidc_client_secret
            names = Names(
                settings.review_oidc_name_claim,
                settings.review_oidc_roles_claim,
                settings.review_oidc_tenants_claim,
                settings.review_oidc_skills_claim,
            )
            provider = Provider(
                settings.review_oidc_issuer or "",
                settings.review_oidc_client_id or "",
                None if secret is None else secret.get_secret_value(),
                settings.review_oidc_scope,
                names,
            )
            return OidcDoor(provider, settings.review_url or "", self._accesses, self._templates)
        if settings.review_sign_in == "local":
            tenants = frozenset(settings.review_local_tenants)
            token_file = settings.review_folder / "token"
            self.local = LocalSignIn(tenants, show, token_file)
            return LocalDoor(self.local, self._accesses, self._templates)
        return NoDoor(self._templates)

    async def _refused(self, request: Request, error: Exception) -> Response:
        status = _STATUS.get(type(error), _CONFLICT)
        return self._message(request, status, "Not done", str(error))

    async def _unavailable(self, request: Request, error: Exception) -> Response:
        return self._message(request, 503, "Not now", str(error))

    async def _http(self, request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        who = current.identity(request)
        if status == _UNAUTHORIZED:
            await self._accesses.record(
                accessed(None, REFUSED, code="not_signed_in", at=request.url.path[:512])
            )
            if request.method == "GET":
                return _to_sign_in(request)
        elif who is None:
            await self._accesses.record(
                accessed(None, REFUSED, code=f"http_{status}", at=request.url.path[:512])
            )
        detail = error.detail if isinstance(error, HTTPException) else ""
        return self._message(request, status, "Not done", _MESSAGES.get(status, detail))

    def _message(self, request: Request, status: int, title: str, message: str) -> Response:
        return self._templates.page(
            request,
            "message.html",
            status,
            title=title,
            message=message,
            retry=current.identity(request) is None,
        )


def _to_sign_in(request: Request) -> Response:
    """Send a browser to sign in; a part of a page takes the whole page with it."""
    if "hx-request" in request.headers:
        return Response(status_code=401, headers={"hx-redirect": "/sign-in"})
    return RedirectResponse(f"/sign-in?next={request.url.path}", 303)
