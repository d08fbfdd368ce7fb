from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from services.validator.app import build
from services.validator.settings import Settings
from shared import cloudevents, topics
from shared.calibration import Calibration
from shared.cloudevents import Event
from shared.delivery import Handlers, Record
from shared.events import (
    Answer,
    AnswerChecked,
    AnswerDrafted,
    Citation,
    Passage,
    RequestAccepted,
    ShadowChecked,
    Usage,
)
from shared.release import BUILT_IN, Release, UnknownReleaseError

REFUSED = BUILT_IN.model_copy(
    update={
        "name": "refused",
        "calibration": Calibration(refused="10 labelled answers are too few"),
    }
)
PAGE = (
    "Larkspur Tools sold $3.2 billion in 2023. It employed 12,500 people. "
    "The dividend is $0.45 a share. Contact ir@larkspur.example."
)
HONEY = " Bees make honey all summer long."


class InMemoryReleases:
    """The releases that a test knows."""

    def __init__(self, *releases: Release) -> None:
        self._known: Mapping[str, Release] = {r.content_hash(): r for r in releases}

    async def get(self, release: str) -> Release:
        if release not in self._known:
            raise UnknownReleaseError(release)
        return self._known[release]


def draft(answer: str | None, *, attempt: int = 1, release: Release = BUILT_IN) -> AnswerDrafted:
    cited = Citation(document_id="report", locator="p. 1", quote=PAGE[:41])
    return AnswerDrafted(
        request=RequestAccepted(
            request_id="q-1",
            request_source="/desk",
            tenant="blue",
            question="How did Larkspur Tools do?",
            received_at=datetime.now(UTC),
            release=release.content_hash(),
        ),
        attempt=attempt,
        answer=None if answer is None else Answer(text=answer, citations=(cited,)),
        passages=(Passage(id="1", document_id="report", locator="p. 1", text=PAGE),),
        usage=Usage(model="extractive"),
    )


async def ends(data: AnswerDrafted, settings: Settings | None = None) -> tuple[str, AnswerChecked]:
    """Handle one draft; return the topic it goes to, and what is said there."""
    event = Event("e-1", topics.ANSWERS_DRAFTED.event_type, "/t", data.model_dump_json().encode())
    handlers = Handlers(build(settings or Settings(), InMemoryReleases(BUILT_IN, REFUSED)))
    await handlers.prepare()
    (output,) = await handlers.handle(
        Record("answers.drafted", 3, 0, 0, b"chat-1", event.data, tuple(event.headers()))
    )
    assert (output.key, output.partition) == (b"chat-1", 3)
    checked = cloudevents.read(output.value, output.headers)
    return output.topic, AnswerChecked.model_validate_json(checked.data)


@pytest.mark.parametrize(
    ("answer", "attempt", "route"),
    [
        (PAGE[:68], 1, "approved"),
        ("It sold $3.2 million.", 1, "regenerate"),
        ("It sold $3.2 million.", 2, "review"),
        (None, 1, "refusal"),
    ],
)
async def test_what_a_release_in_shadow_made_is_judged_alike_and_goes_nowhere(
    answer: str | None, attempt: int, route: str
) -> None:
    data = draft(answer, attempt=attempt)
    event = Event("e-1", topics.SHADOWS_DRAFTED.event_type, "/t", data.model_dump_json().encode())
    handlers = Handlers(build(Settings(), InMemoryReleases(BUILT_IN)))
    await handlers.prepare()
    (output,) = await handlers.handle(
        Record("shadows.drafted", 3, 0, 0, b"chat-1", event.data, tuple(event.headers()))
    )
    assert (output.topic, output.key, output.partition) == ("shadows.checked", b"chat-1", 3)
    checked = ShadowChecked.model_validate_json(output.value or b"")
    assert checked.route == route
    _, live = await ends(data)
    assert (checked.checks, checked.reason) == (live.checks, live.reason)


@pytest.mark.parametrize("threshold", [0, 1_000_000])
async def test_an_answer_that_its_citation_backs_is_approved(threshold: int) -> None:
    settings = Settings(thread_above_characters=threshold)
    topic, checked = await ends(draft(PAGE[:68]), settings)
    assert topic == "answers.approved"
    assert checked.confidence.probability > 0.8


@pytest.mark.parametrize(
    "answer",
    [
        "Larkspur Tools sold $3.2 million in 2023.",
        "Larkspur Tools sold $3.2 billion in 2022.",
        "Write to someone@larkspur.example.",
        "",
        "Larkspur Tools sold $3.2 billion in 2023. " * 200,
    ],
)
async def test_a_wrong_answer_is_written_anew_once(answer: str) -> None:
    topic, checked = await ends(draft(answer))
    assert topic == "fallback.regenerate"
    assert checked.reason.startswith("failed: ")


async def test_an_answer_that_is_wrong_again_goes_to_a_person_who_is_told_why() -> None:
    topic, checked = await ends(draft("It sold $3.2 million.", attempt=2))
    assert topic == "fallback.review"
    assert "'$3.2 million' is in another scale in the passage" in checked.reason


async def test_personal_data_on_the_second_attempt_reaches_no_reviewer() -> None:
    topic, _ = await ends(draft("Write to someone@larkspur.example.", attempt=2))
    assert topic == "fallback.refusal"


async def test_an_answer_that_cannot_be_checked_goes_to_a_person() -> None:
    topic, checked = await ends(draft("It sold 1.2.3 of it."))
    assert topic == "fallback.review"
    assert checked.reason.startswith("could not check: figures")


async def test_without_a_certificate_only_quotes_are_approved() -> None:
    topic, checked = await ends(draft(PAGE[:41] + HONEY))
    assert topic == "fallback.review"
    assert "approves quotes only" in checked.reason


async def test_a_release_whose_calibration_was_refused_approves_nothing_and_says_why() -> None:
    topic, checked = await ends(draft(PAGE[:68], release=REFUSED))
    assert topic == "fallback.review"
    assert "10 labelled answers are too few" in checked.reason


async def test_a_refusal_is_tried_once_more_and_then_is_one() -> None:
    sorry = "I cannot determine this from the passages."
    assert (await ends(draft(sorry)))[0] == "fallback.regenerate"
    assert (await ends(draft(sorry, attempt=2)))[0] == "fallback.refusal"


async def test_word_that_nothing_was_found_becomes_a_refusal() -> None:
    topic, checked = await ends(draft(None))
    assert topic == "fallback.refusal"
    assert checked.answer is None


async def test_a_draft_under_an_unknown_release_is_refused_by_name() -> None:
    unknown = BUILT_IN.model_copy(update={"name": "unheard of"})
    with pytest.raises(UnknownReleaseError, match=unknown.content_hash()):
        await ends(draft(PAGE[:68], release=unknown))
