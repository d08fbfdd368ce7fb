"""The queue over HTTP, as JSON: everything that reviewers do, documented by OpenAPI.

Served under `/v1`; `/openapi.json` describes it. Who asks is said by an `Identify`, which knows
sessions or tokens: nothing here does. An error has a status, and a body `{"code", "message"}`:

    401 nobody who is known · 403 not allowed · 404 unknown, or another tenant's
    409 held, not held, not open, changed, published · 422 unchecked, unfit, malformed
    503 the database does not answer
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from services.review.bodies import (
    Choice,
    Edit,
    Error,
    HandOver,
    Name,
    Outcomes,
    Rejections,
    Snooze,
    Under,
)
from services.review.claim import Claim
from services.review.decision import Decision, Judgement, Opinion, Past, Proposal
from services.review.errors import (
    NotAllowedError,
    ReviewError,
    UncheckedError,
    UnfitDecisionError,
    UnknownItemError,
)
from services.review.identity import Identify, Identity
from services.review.item import Alarm, Item, Risk, Status
from services.review.queue import Counts, Filter, Happening, Order, Page, Refusal, Reviews
from shared.delivery.errors import OverloadedError

_STATUS: Final[Mapping[type[ReviewError], HTTPStatus]] = {
    UnknownItemError: HTTPStatus.NOT_FOUND,
    NotAllowedError: HTTPStatus.FORBIDDEN,
    UncheckedError: HTTPStatus.UNPROCESSABLE_ENTITY,
    UnfitDecisionError: HTTPStatus.UNPROCESSABLE_ENTITY,
}
_WAIT_MAX: Final = 30.0
_WAIT_STEP: Final = 0.1


class UnknownCallerError(Exception):
    """Nobody who is known asks."""


async def nobody(_request: Any) -> Identity | None:
    """Know nobody: what an API without any way to sign in says."""
    return None


def queue_api(reviews: Reviews, identify: Identify) -> FastAPI:
    """Return the application. `identify` says who sends a request."""

    async def asking(request: Request) -> Identity:
        who = await identify(request)
        if who is None:
            raise UnknownCallerError
        return who

    app = FastAPI(
        title="Glideslope reviews",
        version="1",
        summary="Answers that wait for a person.",
        docs_url=None,  # they load scripts from elsewhere
        redoc_url=None,
        responses={
            status.value: {"model": Error}
            for status in (
                HTTPStatus.UNAUTHORIZED,
                HTTPStatus.FORBIDDEN,
                HTTPStatus.NOT_FOUND,
                HTTPStatus.CONFLICT,
                HTTPStatus.UNPROCESSABLE_ENTITY,
                HTTPStatus.SERVICE_UNAVAILABLE,
            )
        },
    )
    app.include_router(_router(reviews, asking), prefix="/v1")
    app.add_exception_handler(ReviewError, _refused)
    app.add_exception_handler(UnknownCallerError, _unknown)
    app.add_exception_handler(OverloadedError, _unavailable)
    app.add_exception_handler(RequestValidationError, _malformed)
    return app


def _router(reviews: Reviews, asking: Any) -> APIRouter:
    router = APIRouter()
    _add_reading(router, reviews, asking)
    _add_claiming(router, reviews, asking)
    _add_deciding(router, reviews, asking)
    return router


def _filter(  # noqa: PLR0913, PLR0917 - the parameters of a query
    status: Status | None = Status.OPEN,
    tenant: Name | None = None,
    risk: Risk | None = None,
    alarm: Alarm | None = None,
    skill: Name | None = None,
    holder: Name | None = None,
    free: bool | None = None,
    text: Name | None = None,
    snoozed: bool = False,
    every_status: bool = False,
) -> Filter:
    if every_status:
        status = None
    return Filter(status, tenant, risk, alarm, skill, holder, free, text, snoozed)


_Wanted = Annotated[Filter, Depends(_filter)]


def _add_reading(router: APIRouter, reviews: Reviews, asking: Any) -> None:
    who_asks = Depends(asking)

    @router.get("/items", summary="Part of the items that match, sorted")
    async def page(
        wanted: _Wanted,
        order: Order = Order.URGENCY,
        offset: Annotated[int, Query(ge=0)] = 0,
        limit: Annotated[int, Query(ge=0, le=200)] = 50,
        who: Identity = who_asks,
    ) -> Page:
        return await reviews.page(who, wanted, order=order, offset=offset, limit=limit)

    @router.get("/counts", summary="How many wait")
    async def counts(who: Identity = who_asks) -> Counts:
        return await reviews.counts(who)

    @router.get("/items/{item_id}", summary="An item whole")
    async def get(item_id: str, who: Identity = who_asks) -> Item:
        return await reviews.get(who, item_id)

    @router.get("/items/{item_id}/history", summary="What happened to it")
    async def history(item_id: str, who: Identity = who_asks) -> Sequence[Happening]:
        return await reviews.history(who, item_id)

    @router.get("/items/{item_id}/opinions", summary="How people judged it so far")
    async def opinions(item_id: str, who: Identity = who_asks) -> Sequence[Opinion]:
        return await reviews.opinions(who, item_id)

    @router.get("/items/{item_id}/similar", summary="Past decisions on questions like it")
    async def similar(
        item_id: str,
        limit: Annotated[int, Query(ge=1, le=20)] = 5,
        who: Identity = who_asks,
    ) -> Sequence[Past]:
        return await reviews.similar(who, item_id, limit=limit)


def _add_claiming(router: APIRouter, reviews: Reviews, asking: Any) -> None:
    who_asks = Depends(asking)

    @router.post("/claims", summary="Claim the most urgent item that is free; null for none")
    async def claim_next(wanted: _Wanted, who: Identity = who_asks) -> Item | None:
        return await reviews.claim_next(who, wanted)

    @router.post("/items/{item_id}/claim", summary="Claim an item, or renew one's own claim")
    async def claim(item_id: str, who: Identity = who_asks) -> Claim:
        return await reviews.claim(who, item_id)

    @router.post("/items/{item_id}/renew", summary="Keep it for another lease")
    async def renew(item_id: str, under: Under, who: Identity = who_asks) -> Claim:
        return await reviews.renew(who, item_id, under.token)

    @router.post("/items/{item_id}/release", status_code=204, summary="Give it back")
    async def release(item_id: str, under: Under, who: Identity = who_asks) -> None:
        await reviews.release(who, item_id, under.token)

    @router.post("/items/{item_id}/hand-over", status_code=204, summary="Give it to another person")
    async def hand_over(item_id: str, to: HandOver, who: Identity = who_asks) -> None:
        await reviews.hand_over(who, item_id, to.token, to=to.to, note=to.note)

    @router.post("/items/{item_id}/snooze", status_code=204, summary="Put it off")
    async def snooze(item_id: str, later: Snooze, who: Identity = who_asks) -> None:
        until: datetime = later.until
        await reviews.snooze(who, item_id, later.token, until=until, note=later.note)


def _add_deciding(router: APIRouter, reviews: Reviews, asking: Any) -> None:
    who_asks = Depends(asking)

    @router.post(
        "/items/{item_id}/proposals", status_code=202, summary="Put an edit before the checks"
    )
    async def propose(item_id: str, edit: Edit, who: Identity = who_asks) -> Proposal:
        return await reviews.propose(who, item_id, edit.token, edit.text)

    @router.get(
        "/items/{item_id}/proposals/{proposal_id}",
        summary="An edit, with its verdicts once they are there",
    )
    async def proposal(
        item_id: str,
        proposal_id: str,
        wait: Annotated[float, Query(ge=0, le=_WAIT_MAX, description="Seconds to wait.")] = 0,
        who: Identity = who_asks,
    ) -> Proposal:
        found = await reviews.proposal(who, item_id, proposal_id)
        give_up = asyncio.get_running_loop().time() + wait
        while found.checks is None and asyncio.get_running_loop().time() < give_up:
            await asyncio.sleep(_WAIT_STEP)
            found = await reviews.proposal(who, item_id, proposal_id)
        return found

    @router.post("/items/{item_id}/decisions", status_code=201, summary="Decide")
    async def decide(item_id: str, choice: Choice, who: Identity = who_asks) -> Decision:
        return await reviews.decide(who, item_id, Judgement(**choice.model_dump()))

    @router.delete(
        "/items/{item_id}/decisions/{decision_id}",
        summary="Take a decision back before it is published",
    )
    async def undo(item_id: str, decision_id: str, who: Identity = who_asks) -> Claim:
        return await reviews.undo(who, item_id, decision_id)

    @router.post("/rejections", summary="Reject several items that nobody else has")
    async def reject_all(several: Rejections, who: Identity = who_asks) -> Outcomes:
        refusals = [Refusal(each.item_id, each.payload) for each in several.items]
        outcome = await reviews.reject_all(who, refusals, reason=several.reason, note=several.note)
        return Outcomes(
            decided={id_: each for id_, each in outcome.items() if not isinstance(each, str)},
            refused={id_: each for id_, each in outcome.items() if isinstance(each, str)},
        )


def _error(status: HTTPStatus, code: str, message: str) -> Response:
    return JSONResponse({"code": code, "message": message}, status)


async def _refused(_request: Request, error: Exception) -> Response:
    code = getattr(error, "code", "refused")
    status = next((_STATUS[kind] for kind in _STATUS if isinstance(error, kind)), None)
    return _error(status or HTTPStatus.CONFLICT, code, str(error))


async def _unknown(_request: Request, _: Exception) -> Response:
    return _error(HTTPStatus.UNAUTHORIZED, "not_signed_in", "sign in, or send your token")


async def _unavailable(_request: Request, error: Exception) -> Response:
    return _error(HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", str(error))


async def _malformed(_request: Request, error: Exception) -> Response:
    first: dict[str, Any] = {}
    if isinstance(error, RequestValidationError):  # what was sent is not repeated
        first = dict(error.errors()[0])
    place = ".".join(map(str, first.get("loc", ())))
    return _error(
        HTTPStatus.UNPROCESSABLE_ENTITY, "malformed", f"{place}: {first.get('msg', 'malformed')}"
    )
