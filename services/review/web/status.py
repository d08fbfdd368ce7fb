"""A public page that says of one request whether it waits for a person. Off unless it is set.

It tells no content: who knows a request's source and id learns where it stands, and no more. That
a request is not here may mean that no person was needed, or that there is none such: both look the
same.
"""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from services.review.errors import UnknownItemError
from services.review.identity import EVERY_TENANT, Identity, Role
from services.review.item import Item, Status, item_id
from services.review.queue import Reviews
from services.review.web.rendering import Templates

_PUBLIC = Identity("status page", frozenset({Role.AUDITOR}), frozenset({EVERY_TENANT}))
_SAID = {
    Status.OPEN: "A person is to look at it.",
    Status.SENT_BACK: "A person asked for another answer; it is being written.",
    Status.DECIDED: "A person has decided: the result is on its way to who asked, or there.",
}


class StatusPage:
    """`/status?source=…&id=…`. `reviews` records no views: there is no content to see."""

    def __init__(self, reviews: Reviews, templates: Templates) -> None:
        self._reviews = reviews
        self._templates = templates

    def routes(self) -> list[Route]:
        """Return its routes."""
        return [Route("/status", self._show, methods=["GET"])]

    async def _show(self, request: Request) -> Response:
        source, name = request.query_params.get("source"), request.query_params.get("id")
        item: Item | None = None
        if source and name:
            try:
                item = await self._reviews.get(_PUBLIC, item_id(source, name))
            except UnknownItemError:
                item = None
        return self._templates.page(
            request,
            "status.html",
            asked=bool(source and name),
            source=source or "",
            name=name or "",
            said=None if item is None else _SAID[item.summary.status],
            due=(
                item.summary.due
                if item is not None and item.summary.status is Status.OPEN
                else None
            ),
        )
