"""The pages of one item: what it says, and what is done with it."""

from datetime import UTC, datetime, timedelta
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from services.review.access import Recorded
from services.review.decision import Judgement, Kind
from services.review.web import undo
from services.review.web.asked import required, text, token
from services.review.web.reading import read
from services.review.web.rendering import Templates

_SNOOZES: Final = {"1": "1 hour", "4": "4 hours", "24": "1 day", "72": "3 days"}


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
        under = token(await request.form())
        await self._reviews.renew(required(request), _id(request), under)
        return Response(status_code=204)

    async def _release(self, request: Request) -> Response:
        await self._reviews.release(required(request), _id(request), token(await request.form()))
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
            payload=text(form, "payload"),
            token=token(form),
            proposal=proposal,
            accepts=tuple(str(each) for each in form.getlist("accepts")),
            reason=text(form, "reason"),
            note=text(form, "note"),
        )
        decision = await self._reviews.decide(required(request), _id(request), judgement)
        undo.offer(request, decision)
        return RedirectResponse("/queue" if decision.state == "final" else _here(request), 303)

    async def _snooze(self, request: Request) -> Response:
        form = await request.form()
        hours = text(form, "hours")
        if hours not in _SNOOZES:
            raise HTTPException(422, f"put it off for one of {', '.join(_SNOOZES.values())}")
        until = datetime.now(UTC) + timedelta(hours=int(hours))
        await self._reviews.snooze(
            required(request),
            _id(request),
            token(form),
            until=until,
            note=text(form, "note"),
        )
        return RedirectResponse("/queue", 303)

    async def _hand_over(self, request: Request) -> Response:
        form = await request.form()
        if not (to := text(form, "to")):
            raise HTTPException(422, "say to whom")
        await self._reviews.hand_over(
            required(request),
            _id(request),
            token(form),
            to=to,
            note=text(form, "note"),
        )
        return RedirectResponse("/queue", 303)

    async def _propose(self, request: Request) -> Response:
        form = await request.form()
        proposal = await self._reviews.propose(
            required(request), _id(request), token(form), text(form, "text")
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


def _id(request: Request) -> str:
    return str(request.path_params["item_id"])


def _here(request: Request) -> str:
    return f"/items/{_id(request)}"


def _back(request: Request) -> Response:
    return RedirectResponse(_here(request), 303)
