"""The reviewers' pages: the queue, an item, and what is done with it."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final, TypeVar

from starlette.datastructures import FormData, QueryParams
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from services.review.access import Recorded
from services.review.decision import Decision, Judgement, Kind
from services.review.identity import Identity
from services.review.item import RISKS, Alarm, Risk, Status
from services.review.queue import Filter, Order, Refusal, Reviews
from services.review.web import guard, undo
from services.review.web.reading import read
from services.review.web.rendering import Templates

_PAGE: Final = 50
_SNOOZES: Final = {"1": "1 hour", "4": "4 hours", "24": "1 day", "72": "3 days"}
_MOST_REFUSALS: Final = 50
_DIGITS: Final = 9

E = TypeVar("E", bound=StrEnum)


def required(request: Request) -> Identity:
    """Return who asks; whoever is not signed in is sent to do so (`errors`)."""
    who = guard.identity(request)
    if who is None:
        raise HTTPException(401, "sign in first")
    return who


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
        asked = request.query_params
        fragment = request.headers.get("hx-target") == "queue"
        counts = await self._reviews.counts(who)
        shown: dict[str, Any] = {
            "counts": counts,
            "asked": asked,
            "statuses": Status,
            "risks": RISKS,
            "alarms": Alarm,
            "orders": Order,
            "query": request.url.query,
            "live": request.url.query,
        }
        if not who.reads:
            return self._templates.page(request, "counts.html", **shown)
        wanted, order = filter_of(asked, who), _one(Order, asked.get("order")) or Order.URGENCY
        offset = _number(asked.get("offset"))
        page = await self._reviews.page(who, wanted, order=order, offset=offset, limit=_PAGE)
        shown |= {
            "page": page,
            "order": order,
            "wanted": wanted,
            "before": _with(asked, offset=max(offset - _PAGE, 0)) if offset else None,
            "after": (
                _with(asked, offset=offset + _PAGE)
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
            who, refusals, reason=_text(form, "reason"), note=_text(form, "note")
        )
        outcome = {
            item_id: "refused" if isinstance(each, Decision) else each
            for item_id, each in done.items()
        }
        return self._templates.page(request, "refuse.html", items=[], reasons=[], outcome=outcome)


class ItemPages:
    """One item: read, claimed, decided."""

    def __init__(self, reviews: Recorded, templates: Templates) -> None:
        self._reviews = reviews
        self._templates = templates

    def routes(self) -> list[Route]:
        """Return its routes."""
        deeds = {
            "claim": self._claim,
            "renew": self._renew,
            "release": self._release,
            "approve": self._approve,
            "reject": self._reject,
            "send-back": self._send_back,
            "snooze": self._snooze,
            "hand-over": self._hand_over,
            "propose": self._propose,
        }
        return [
            Route("/items/{item_id}", self._show, methods=["GET"]),
            *(
                Route(f"/items/{{item_id}}/{name}", deed, methods=["POST"])
                for name, deed in deeds.items()
            ),
            Route("/items/{item_id}/edits/{proposal_id}", self._proposal, methods=["GET"]),
            Route("/items/{item_id}/edits/{proposal_id}", self._send, methods=["POST"]),
            Route("/items/{item_id}/undo/{decision_id}", self._undo, methods=["POST"]),
        ]

    async def _show(self, request: Request) -> Response:
        who, item_id = required(request), _id(request)
        whole = await self._reviews.whole(who, item_id)
        claim = whole.item.summary.claim
        return self._templates.page(
            request,
            "item.html",
            item=whole.item,
            mine=claim is not None and claim.holder == who.name,
            reading=read(whole.item),
            history=whole.history,
            opinions=whole.opinions,
            similar=whole.similar,
            snoozes=_SNOOZES,
        )

    async def _claim(self, request: Request) -> Response:
        await self._reviews.claim(required(request), _id(request))
        return _back(request)

    async def _renew(self, request: Request) -> Response:
        token = _token(await request.form())
        await self._reviews.renew(required(request), _id(request), token)
        return Response(status_code=204)

    async def _release(self, request: Request) -> Response:
        await self._reviews.release(required(request), _id(request), _token(await request.form()))
        return RedirectResponse("/queue", 303)

    async def _approve(self, request: Request) -> Response:
        return await self._decide(request, Kind.APPROVED)

    async def _reject(self, request: Request) -> Response:
        return await self._decide(request, Kind.REJECTED)

    async def _send_back(self, request: Request) -> Response:
        return await self._decide(request, Kind.SENT_BACK)

    async def _decide(self, request: Request, kind: Kind, proposal: str | None = None) -> Response:
        form = await request.form()
        judgement = Judgement(
            kind,
            payload=_text(form, "payload"),
            token=_token(form),
            proposal=proposal,
            accepts=tuple(str(each) for each in form.getlist("accepts")),
            reason=_text(form, "reason"),
            note=_text(form, "note"),
        )
        decision = await self._reviews.decide(required(request), _id(request), judgement)
        undo.offer(request, decision)
        return RedirectResponse("/queue" if decision.state == "final" else _here(request), 303)

    async def _snooze(self, request: Request) -> Response:
        form = await request.form()
        hours = _text(form, "hours")
        if hours not in _SNOOZES:
            raise HTTPException(422, f"put it off for one of {', '.join(_SNOOZES.values())}")
        until = datetime.now(UTC) + timedelta(hours=int(hours))
        await self._reviews.snooze(
            required(request), _id(request), _token(form), until=until, note=_text(form, "note")
        )
        return RedirectResponse("/queue", 303)

    async def _hand_over(self, request: Request) -> Response:
        form = await request.form()
        if not (to := _text(form, "to")):
            raise HTTPException(422, "say to whom")
        await self._reviews.hand_over(
            required(request), _id(request), _token(form), to=to, note=_text(form, "note")
        )
        return RedirectResponse("/queue", 303)

    async def _propose(self, request: Request) -> Response:
        form = await request.form()
        proposal = await self._reviews.propose(
            required(request), _id(request), _token(form), _text(form, "text")
        )
        return RedirectResponse(f"{_here(request)}/edits/{proposal.id}", 303)

    async def _proposal(self, request: Request) -> Response:
        who, item_id = required(request), _id(request)
        proposal = await self._reviews.proposal(who, item_id, request.path_params["proposal_id"])
        fragment = request.headers.get("hx-target") == "edit-checks"
        item = await self._reviews.get(who, item_id)
        claim = item.summary.claim
        return self._templates.page(
            request,
            "edit_checks.html" if fragment else "edit.html",
            item=item,
            proposal=proposal,
            mine=claim is not None and claim.holder == who.name,
        )

    async def _send(self, request: Request) -> Response:
        return await self._decide(request, Kind.EDITED, request.path_params["proposal_id"])

    async def _undo(self, request: Request) -> Response:
        decision_id = request.path_params["decision_id"]
        undo.withdraw(request)
        await self._reviews.undo(required(request), _id(request), decision_id)
        return _back(request)


def filter_of(asked: QueryParams, who: Identity) -> Filter:
    """Return the filter that an address asks for; what it says wrongly bounds nothing."""
    whose = asked.get("whose")
    status = asked.get("status")
    return Filter(
        status=None if status == "all" else _one(Status, status) or Status.OPEN,
        tenant=asked.get("tenant") or None,
        risk=_one(Risk, asked.get("risk")),
        alarm=_one(Alarm, asked.get("alarm")),
        skill=asked.get("skill") or None,
        holder=who.name if whose == "mine" else None,
        free=True if whose == "free" else None,
        text=asked.get("text", "").strip() or None,
        snoozed=asked.get("snoozed") == "yes",
    )


def _id(request: Request) -> str:
    return str(request.path_params["item_id"])


def _here(request: Request) -> str:
    return f"/items/{_id(request)}"


def _back(request: Request) -> Response:
    return RedirectResponse(_here(request), 303)


def _text(form: FormData, name: str) -> str:
    value = form.get(name)
    return value.strip() if isinstance(value, str) else ""


def _token(form: FormData) -> int:
    return _number(_text(form, "token"))


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) <= _DIGITS else 0


def _one(kind: type[E], text: str | None) -> E | None:
    return next((each for each in kind if each.value == text), None)


def _with(asked: QueryParams, **changed: Any) -> str:
    return str(QueryParams({**dict(asked), **{name: str(v) for name, v in changed.items()}}))
