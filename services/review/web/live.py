"""What changes on a page that somebody looks at, as server-sent events without content.

An event says that there is something new; the page then asks for it, and that view is recorded as
any other. A stream ends after some minutes and the browser opens it again, with its session looked
at anew.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from dataclasses import replace
from math import inf
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
_ANYWAY_SECONDS: Final = 10
_PAUSE_SECONDS: Final = 4
"""After a change that was told: each list that is shown again is a view, and on the record."""


class _Looks:
    """What streams look at, looked at once for all that see the same, and only when it may differ.

    That is after anything was done, or after some seconds: leases end and times run out.
    """

    def __init__(self, reviews: Reviews, every_seconds: float) -> None:
        self._reviews = reviews
        self._every_seconds = every_seconds
        self._looking = asyncio.Lock()
        self._asked_at = -inf
        self._mark: tuple[int, str] | None = None
        self._seen: dict[Hashable, str] = {}

    async def digest(self, of: Hashable, look: Callable[[], Awaitable[str]]) -> str:
        """Return a digest of what `look` finds; `of` tells who finds the same."""
        async with self._looking:
            now = asyncio.get_running_loop().time()
            if now - self._asked_at >= self._every_seconds:
                mark = (int(now / _ANYWAY_SECONDS), await self._reviews.mark())
                if mark != self._mark:
                    self._mark = mark
                    self._seen.clear()
                self._asked_at = now
            if of not in self._seen:
                self._seen[of] = hashlib.sha256((await look()).encode()).hexdigest()
            return self._seen[of]


class Live:
    """Streams of changes; `every_seconds` the queue is asked. `reviews` records no views."""

    def __init__(self, reviews: Reviews, every_seconds: float = 1.0) -> None:
        self._reviews = reviews
        self._every_seconds = every_seconds
        self._looks = _Looks(reviews, every_seconds)

    def routes(self) -> list[Route]:
        """Return its routes."""
        return [
            Route("/queue/live", self._queue, methods=["GET"]),
            Route("/items/{item_id}/live", self._item, methods=["GET"]),
        ]

    async def _queue(self, request: Request) -> Response:
        who = required(request)
        wanted = filter_of(request.query_params, who)
        # what they have themselves is in the list, too: whose counts these are does not matter
        anybody = replace(who, name="", skills=frozenset())

        async def look() -> str:
            counts = await self._reviews.counts(anybody)
            if not who.reads:
                return repr(counts)
            page = await self._reviews.page(anybody, wanted, order=Order.URGENCY, limit=_LOOKED_AT)
            shown = [
                (each.id, each.status, each.alarm, each.opinions, each.claim and each.claim.holder)
                for each in page.items
            ]
            return repr((counts, page.total, shown))

        return self._stream("queue", (anybody, wanted), look, "new")

    async def _item(self, request: Request) -> Response:
        who = required(request)
        item_id = request.path_params["item_id"]
        anybody = replace(who, name="", skills=frozenset())

        async def look() -> str:
            try:
                item = await self._reviews.get(anybody, item_id)
            except UnknownItemError:
                return "gone"
            claim = item.summary.claim
            return repr((item.payload, item.summary.status, claim and (claim.holder, claim.token)))

        said = f'This item has changed. <a href="/items/{quote(item_id)}">Show it as it is now</a>'
        return self._stream("item", (anybody, item_id), look, said)

    def _stream(
        self, name: str, of: Hashable, look: Callable[[], Awaitable[str]], said: str
    ) -> Response:
        return EventSourceResponse(self._changes(name, of, look, said), ping=_PING_SECONDS)

    async def _changes(
        self, name: str, of: Hashable, look: Callable[[], Awaitable[str]], said: str
    ) -> AsyncIterator[ServerSentEvent]:
        loop = asyncio.get_running_loop()
        end = loop.time() + _LONGEST_SECONDS
        last = await self._looks.digest(of, look)
        while loop.time() < end:
            await asyncio.sleep(self._every_seconds)
            now = await self._looks.digest(of, look)
            if now != last:
                last = now
                yield ServerSentEvent(event=name, data=said)
                await asyncio.sleep(_PAUSE_SECONDS)
