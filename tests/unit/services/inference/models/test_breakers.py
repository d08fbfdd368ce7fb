import asyncio

import pytest
from structlog.testing import capture_logs

from services.inference.models.breakers import BreakerOpenError, Breakers
from services.inference.models.errors import (
    ModelError,
    RejectedError,
    ThrottledError,
    UnavailableError,
)

RECOVERY = 0.1


def fail(breakers: Breakers, error: ModelError, model: str = "a") -> None:
    with pytest.raises(type(error)), capture_logs(), breakers.guarding(model):
        raise error


@pytest.fixture
def breakers() -> Breakers:
    return Breakers(failures=3, recovery_seconds=RECOVERY)


def test_a_model_that_fails_time_and_again_is_left_alone_and_others_are_not(
    breakers: Breakers,
) -> None:
    for _ in range(3):
        fail(breakers, UnavailableError("down"))

    with pytest.raises(BreakerOpenError) as raised, breakers.guarding("a"):
        pytest.fail("asked")
    assert 0 < raised.value.retry_after <= 1
    with breakers.guarding("b"):
        pass
    assert breakers.known == {"a": True, "b": False}


def test_an_answer_in_between_starts_the_count_anew(breakers: Breakers) -> None:
    for _ in range(2):
        fail(breakers, UnavailableError("down"))
        fail(breakers, UnavailableError("down"))
        with breakers.guarding("a"):
            pass

    assert breakers.known == {"a": False}


@pytest.mark.parametrize("error", [ThrottledError("slower"), RejectedError("not that")])
def test_what_is_not_the_models_fault_does_not_count(breakers: Breakers, error: ModelError) -> None:
    for _ in range(9):
        fail(breakers, error)

    assert breakers.known == {"a": False}


@pytest.mark.parametrize("comes_back", [True, False])
async def test_one_call_finds_out_whether_it_is_back_while_others_go_elsewhere(
    breakers: Breakers, *, comes_back: bool
) -> None:
    for _ in range(3):
        fail(breakers, UnavailableError("down"))
    await asyncio.sleep(RECOVERY)

    probe = breakers.guarding("a")
    probe.__enter__()
    with pytest.raises(BreakerOpenError), breakers.guarding("a"):
        pytest.fail("asked")
    with capture_logs():
        if comes_back:
            probe.__exit__(None, None, None)
        else:
            down = UnavailableError("still down")
            assert not probe.__exit__(type(down), down, None)

    assert breakers.known == {"a": not comes_back}


async def test_a_probe_that_is_given_up_leaves_the_next_one_to_find_out(breakers: Breakers) -> None:
    for _ in range(3):
        fail(breakers, UnavailableError("down"))
    await asyncio.sleep(RECOVERY)
    with pytest.raises(asyncio.CancelledError), breakers.guarding("a"):
        raise asyncio.CancelledError

    with capture_logs(), breakers.guarding("a"):
        pass
    assert breakers.known == {"a": False}
