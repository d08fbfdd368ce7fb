import asyncio
from datetime import UTC, datetime, timedelta

from services.inference.shadow import FAILED, Shadows
from shared.delivery import FatalError, OverloadedError
from shared.events import AnswerChecked, AnswerDrafted, Confidence, RequestAccepted, Usage
from shared.metrics import SHADOWS_DROPPED, SHADOWS_FAILED, Metrics

HOUR = timedelta(hours=1)


def request(age: timedelta = timedelta()) -> RequestAccepted:
    return RequestAccepted(
        request_id="1",
        request_source="/desk",
        tenant="acme",
        question="Why?",
        received_at=datetime.now(UTC) - age,
        release="b" * 64,
    )


def draft(attempt: int) -> AnswerDrafted:
    return AnswerDrafted(
        request=request(), attempt=attempt, answer=None, usage=Usage(model="m", cost_usd=0.25)
    )


def rejected() -> AnswerChecked:
    confidence = Confidence(probability=0, threshold=0.9)
    return AnswerChecked(**dict(draft(1)), checks=(), confidence=confidence, reason="no")


async def answered(request: RequestAccepted, earlier: AnswerChecked | None) -> AnswerDrafted:
    assert request.release == "b" * 64
    return draft(earlier.attempt + 1 if earlier else 1)


async def test_a_copy_is_answered_and_tried_once_more_as_a_request_is() -> None:
    shadows = Shadows(answered, HOUR)
    first = await shadows.first(request())
    assert first is not None
    assert (first.attempt, first.referral) == (1, None)
    assert (await shadows.again(rejected())).attempt == 2


async def test_a_copy_whose_turn_comes_too_late_is_dropped_and_counted() -> None:
    shadows, metrics = Shadows(answered, HOUR), Metrics()
    shadows.measured(metrics)
    assert await shadows.first(request(age=2 * HOUR)) is None
    assert await shadows.first(request(age=HOUR / 2)) is not None
    assert metrics.counted(SHADOWS_DROPPED) == {("b" * 12,): 1}


async def test_whatever_a_copy_raises_is_its_outcome() -> None:
    errors: list[Exception] = [
        OverloadedError("model", "is down"),
        FatalError("the store is gone"),
        ValueError("the question in full"),
    ]

    async def fails(request: RequestAccepted, earlier: AnswerChecked | None) -> AnswerDrafted:
        del request, earlier
        raise errors.pop(0)

    shadows, metrics = Shadows(fails, HOUR), Metrics()
    shadows.measured(metrics)
    for kind in ("OverloadedError", "FatalError"):
        failed = await shadows.first(request())
        assert failed is not None
        assert failed.referral is not None
        assert (failed.answer, failed.referral.code) == (None, FAILED)
        assert failed.referral.reason == f"it failed ({kind})"
    again = await shadows.again(rejected())
    assert (again.attempt, again.usage.cost_usd) == (2, 0.25)
    assert "question" not in again.model_dump_json(exclude={"request"})
    assert sum(metrics.counted(SHADOWS_FAILED).values()) == 3


async def test_a_copy_that_takes_too_long_is_given_up() -> None:
    async def hangs(request: RequestAccepted, earlier: AnswerChecked | None) -> AnswerDrafted:
        del request, earlier
        await asyncio.Event().wait()
        raise AssertionError

    failed = await Shadows(hangs, HOUR, seconds=0.01).first(request())
    assert failed is not None
    assert failed.referral is not None
    assert failed.referral.reason == "it failed (TimeoutError)"
