from collections.abc import AsyncIterator
from typing import Any

import pytest

from glideslope.emulator.behaviour import Behaviour, Fault, Script
from glideslope.emulator.server import serving
from services.validator.adapters.openai import Judges
from services.validator.judge import JudgeUnavailableError, judged
from services.validator.servers import JudgeServer
from shared.release import BUILT_IN, Judge, Release
from tests.unit.services.validator.conftest import MakeCase

PAGE = "Larkspur Tools sold $3.2 billion in 2023. It employed 12,500 people."


@pytest.fixture
def script() -> Script:
    return Script()


@pytest.fixture
async def emulator(script: Script) -> AsyncIterator[str]:
    async with serving(script) as url:
        yield url


def release(server: str = "emulator") -> Release:
    judge = Judge(model=f"{server}:large-1", temperature=0)
    return BUILT_IN.model_copy(update={"judge": judge, "checks": ("judge",)})


def judges(url: str, **more: Any) -> Judges:
    told = {"base_url": f"{url}/v1", "api_key": "k", "seconds": 0.5, **more}
    return Judges({"emulator": JudgeServer(**told)})


@pytest.mark.parametrize("azure", [False, True])
async def test_a_model_judges_each_sentence_of_an_answer(
    emulator: str, make_case: MakeCase, *, azure: bool
) -> None:
    more = {"base_url": emulator, "api_version": "2024-10-21"} if azure else {}
    asked = judges(emulator, **more)
    async with asked.opened():
        good = await judged(make_case(PAGE, PAGE, release=release()), asked)
        bad = await judged(make_case(PAGE.replace("3.2", "4.1"), PAGE, release=release()), asked)
    assert good.verdict == "passed"
    assert bad.verdict == "failed"
    assert "$4.1 billion" in bad.reason


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault.THROTTLED, "HTTP 429"),
        (Fault.UNAVAILABLE, "HTTP 503"),
        (Fault.DENIED, "HTTP 401"),
        (Fault.CONTEXT_TOO_LONG, "HTTP 400"),
        (Fault.DOWN, "cannot be reached"),
        (Fault.TIMEOUT, "no answer within 0.5 s"),
        (Fault.MALFORMED, "no chat completion"),
        (Fault.EMPTY, "no text"),
        (Fault.CUT, "max_output_tokens"),
        (Fault.PROSE, "not the JSON"),
    ],
)
async def test_a_judge_that_fails_says_how_and_judges_the_next_answer(
    emulator: str, script: Script, make_case: MakeCase, fault: Fault, reason: str
) -> None:
    case = make_case(PAGE, PAGE, release=release())
    asked = judges(emulator)
    async with asked.opened():
        script.tell(Behaviour(fault=fault))
        verdict = await judged(case, asked)
        script.tell()
        after = await judged(case, asked)
    assert verdict.verdict == "could_not_check"
    assert reason in verdict.reason
    assert after.verdict == "passed"


async def test_a_server_that_nobody_set_up_is_named(make_case: MakeCase) -> None:
    asked = Judges({})
    async with asked.opened():
        verdict = await judged(make_case(PAGE, PAGE, release=release("gateway")), asked)
    assert "GLIDESLOPE_JUDGES has no server 'gateway'" in verdict.reason


async def test_a_server_where_nothing_listens_is_unavailable() -> None:
    asked = judges("http://127.0.0.1:9")
    async with asked.opened():
        with pytest.raises(JudgeUnavailableError, match="cannot be reached"):
            await asked.ask(Judge(model="emulator:m"), "s", "u")
