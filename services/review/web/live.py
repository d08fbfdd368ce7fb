"""What changes on a page that somebody looks at, as server-sent events without content.

An event says that there is something new; the page then asks for it, and that view is recorded as
any other. A stream ends after some minutes and the browser opens it again, with its session looked
at anew.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final
from urllib.parse import quote

from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from services.review.errors import UnknownItemError
from services.review.queue import Order, Reviews
from services.review.web.asked import filter_of, required

_LONGEST_SECONDS: Final = 300.0
_PING_SECONDS: Final = 15
_LOOKED_AT: Final = 200


class Live:
    """Streams of changes; `every_seconds` the queue is asked. `reviews` records no views."""

    def __init__(self, reviews: Reviews, every_seconds: float = 1.0) -> None:
        self._reviews = reviews
        self._every_seconds = every_seconds

    def routes(self) -> list[Route]:
        """Return its routes."""
        return [
            Route("/queue/live", self._queue, methods=["GET"]),
            Route("/items/{item_id}/live", self._item, methods=["GET"]),
        ]

    async def _queue(self, request: Request) -> Response:
        who = required(request)
        wanted = filter_of(request.query_params, who)

        async def state() -> str:
            counts = await self._reviews.counts(who)
            if not who.reads:
                return repr(counts)
            page = await self._reviews.page(who, wanted, order=Order.URGENCY, limit=_LOOKED_AT)
            shown = [
                (each.id, each.status, each.alarm, each.opinions, each.claim and each.claim.holder)
                for each in page.items
            ]
            return repr((counts, page.total, shown))

        return self._stream("queue", state, "new")

    async def _item(self, request: Request) -> Response:
        who = required(request)
        item_id = request.path_params["item_id"]

        async def state() -> str:
            try:
                item = await self._reviews.get(who, item_id)
            except UnknownItemError:
                return "gone"
            claim = item.summary.claim
            return repr((item.payload, item.summary.status, claim and (claim.holder, claim.token)))

        said = f'This item has changed. <a href="/items/{quote(item_id)}">Show it as it is now</a>'
        return self._stream("item", state, said)

    def _stream(self, name: str, state: Callable[[], Awaitable[str]], said: str) -> Response:
        return EventSourceResponse(self._changes(name, state, said), ping=_PING_SECONDS)

    async def _changes(
        self, name: str, state: Callable[[], Awaitable[str]], said: str
    ) -> AsyncIterator[ServerSentEvent]:
        loop = asyncio.get_running_loop()
        end = loop.time() + _LONGEST_SECONDS
        last = _digest(await state())
        while loop.time() < end:
            await asyncio.sleep(self._every_seconds)
            now = _digest(await state())
            if now != last:
                last = now
                yield ServerSentEvent(event=name, data=said)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
