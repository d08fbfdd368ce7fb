"""The pages of the queue: the list, the next one, and several refused together."""

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from services.review.decision import Decision
from services.review.item import RISKS, Alarm, Status
from services.review.queue import Order, Refusal, Reviews
from services.review.web.asked import filter_of, number, one, required, text, with_changes
from services.review.web.rendering import Templates

_PAGE: Final = 50
_MOST_REFUSALS: Final = 50


class QueuePages:
    """The list: filtered, sorted, counted."""

    def __init__(self, reviews: Reviews, templates: Templates) -> None:
        self._reviews = reviews
        self._templates = templates

    def routes(self) -> list[Route]:
        """Return its routes."""
        return [
            Route("/", self._home, methods=["GET"]),
            Route("/queue", self._list, methods=["GET"]),
            Route("/queue/next", self._next, methods=["POST"]),
            Route("/queue/refuse", self._look_at, methods=["POST"]),
            Route("/queue/refuse/now", self._refuse, methods=["POST"]),
        ]

    async def _home(self, _request: Request) -> Response:
        return RedirectResponse("/queue", 303)

    async def _list(self, request: Request) -> Response:
        who = required(request)
        query = request.query_params
        fragment = request.headers.get("hx-target") == "queue"
        counts = await self._reviews.counts(who)
        shown: dict[str, Any] = {
            "counts": counts,
            "asked": query,
            "statuses": Status,
            "risks": RISKS,
            "alarms": Alarm,
            "orders": Order,
            "query": request.url.query,
            "live": request.url.query,
        }
        if not who.reads:
            return self._templates.page(request, "counts.html", **shown)
        wanted, order = (
            filter_of(query, who),
            one(Order, query.get("order")) or Order.URGENCY,
        )
        offset = number(query.get("offset"))
        page = await self._reviews.page(who, wanted, order=order, offset=offset, limit=_PAGE)
        shown |= {
            "page": page,
            "order": order,
            "wanted": wanted,
            "before": with_changes(query, offset=max(offset - _PAGE, 0)) if offset else None,
            "after": (
                with_changes(query, offset=offset + _PAGE)
                if offset + len(page.items) < page.total
                else None
            ),
        }
        return self._templates.page(request, "rows.html" if fragment else "queue.html", **shown)

    async def _next(self, request: Request) -> Response:
        who = required(request)
        item = await self._reviews.claim_next(who, filter_of(request.query_params, who))
        return RedirectResponse("/queue" if item is None else f"/items/{item.id}", 303)

    async def _look_at(self, request: Request) -> Response:
        """Show what was chosen: what is refused together has been displayed together."""
        who = required(request)
        form = await request.form()
        ids = [str(each) for each in form.getlist("item")][:_MOST_REFUSALS]
        items = [await self._reviews.get(who, each) for each in ids]
        reasons = {reason for item in items for reason in item.rules.reasons or ()}
        return self._templates.page(
            request, "refuse.html", items=items, reasons=sorted(reasons), outcome=None
        )

    async def _refuse(self, request: Request) -> Response:
        who = required(request)
        form = await request.form()
        refusals = [
            Refusal(*str(each).split(" ", 1)) for each in form.getlist("item") if " " in str(each)
        ]
        done = await self._reviews.reject_all(
            who, refusals, reason=text(form, "reason"), note=text(form, "note")
        )
        outcome = {
            item_id: "refused" if isinstance(each, Decision) else each
            for item_id, each in done.items()
        }
        return self._templates.page(request, "refuse.html", items=[], reasons=[], outcome=outcome)
