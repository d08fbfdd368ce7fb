import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from services.inference.adapters.planted import PlantedFaults, wrong_number
from services.inference.generator import Draft, Task
from services.inference.tokens import words
from shared.events import Answer, Citation, Passage, RequestAccepted, Usage
from shared.release import BUILT_IN

TEXT = "The ratio was 14.8% at 31 December 2024."
ANSWER = Answer(text=TEXT, citations=(Citation(document_id="d", locator="p. 1", quote=TEXT),))


class Fixed:
    def __init__(self, answer: Answer | None) -> None:
        self.answer = answer

    async def generate(self, _task: Task) -> Draft:
        return Draft(self.answer, Usage(model="fixed"))


async def drafted(
    fault: str | None, *, attempt: int = 1, answer: Answer | None = ANSWER
) -> Answer | None:
    request = RequestAccepted.model_validate(
        {
            "request_id": "1",
            "request_source": "/test",
            "tenant": "acme",
            "question": "What was the ratio?",
            "metadata": {"planted_fault": fault} if fault else {},
            "received_at": "2025-01-01T00:00:00Z",
            "release": BUILT_IN.content_hash(),
        }
    )
    passages = (Passage(id="1", document_id="d", locator="p. 1", text=TEXT),)
    with capture_logs():
        planted = PlantedFaults(Fixed(answer))
    return (await planted.generate(Task(request, passages, BUILT_IN, attempt))).answer


def test_whoever_switches_it_on_is_warned() -> None:
    with capture_logs() as logs:
        PlantedFaults(Fixed(None))

    assert [log["log_level"] for log in logs] == ["warning"]


async def test_a_request_that_does_not_ask_for_a_fault_is_left_alone() -> None:
    assert await drafted(None) == ANSWER
    assert await drafted("something else") == ANSWER


async def test_a_wrong_number_is_in_the_first_answer_alone() -> None:
    first = await drafted("wrong_number")

    assert first is not None
    assert first.text != TEXT
    assert first.citations == ANSWER.citations
    assert await drafted("wrong_number", attempt=2) == ANSWER


@pytest.mark.parametrize("attempt", [1, 2])
async def test_a_wrong_number_always_is_in_every_answer(attempt: int) -> None:
    answer = await drafted("wrong_number_always", attempt=attempt)

    assert answer is not None
    assert answer.text != TEXT


async def test_no_answer_stays_no_answer() -> None:
    assert await drafted("wrong_number", answer=None) is None


def test_one_number_is_altered_to_one_that_stands_in_no_passage() -> None:
    assert wrong_number("It was 14.8% in 2024.", frozenset({"2024", "1024"})) == (
        "It was 24.8% in 2024."
    )


def test_a_text_without_a_number_stays_as_it_is() -> None:
    assert wrong_number("Nothing.", frozenset()) == "Nothing."


@given(st.text(), st.from_regex(r"\d{1,5}(\.\d)?", fullmatch=True), st.text())
def test_a_text_with_a_number_never_stays_as_it_is(before: str, number: str, after: str) -> None:
    text = f"{before} {number} {after}"

    assert wrong_number(text, frozenset(words(text))) != text
