"""The handlers, driven record by record; the index is Qdrant's in-memory mode."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from qdrant_client import QdrantClient

from services.inference.adapters.server import ServerIndex
from services.inference.adapters.server_store import ServerStore
from services.inference.app import build
from services.inference.index import Index
from services.inference.settings import InferenceSettings
from services.inference.versions import IndexVersion
from shared import topics
from shared.cloudevents import Event
from shared.delivery import Handlers, Output, Record
from shared.events import (
    EVERYONE,
    AnswerChecked,
    AnswerDrafted,
    Confidence,
    DocumentAccepted,
    Passage,
    RequestAccepted,
    ShadowChecked,
    ShadowRequested,
    Verdict,
)
from shared.release import BUILT_IN, Release, UnknownReleaseError
from shared.topics import Topic

pytestmark = pytest.mark.filterwarnings("ignore:Payload indexes have no effect:UserWarning")

FEE = "The late payment fee is EUR 35."
RATIO = "The maximum loan-to-value ratio is 70%."


class OnlyBuiltIn:
    async def get(self, release: str) -> Release:
        if release != BUILT_IN.content_hash():
            raise UnknownReleaseError(release)
        return BUILT_IN


class Only:
    def __init__(self, index: Index) -> None:
        self._index = index

    async def of(self, _release: Release) -> Index:
        return self._index


@pytest.fixture
def settings(tmp_path: Path) -> InferenceSettings:
    return InferenceSettings(home=tmp_path)


@pytest.fixture
def index() -> Iterator[ServerIndex]:
    with ServerStore(lambda: QdrantClient(":memory:"), "passages") as store:
        index = store.open(IndexVersion("bm25-1"))
        index.replace(document("faq", FEE, EVERYONE))
        index.replace(document("policy", RATIO, "credit"))
        yield index


def document(document_id: str, text: str, *groups: str) -> DocumentAccepted:
    passage = Passage(id="1", document_id=document_id, locator="p. 1", text=text)
    return DocumentAccepted(
        document_id=document_id, tenant="acme", groups=groups, passages=(passage,)
    )


def request(question: str, **more: Any) -> RequestAccepted:
    return RequestAccepted.model_validate(
        {
            "request_id": "1",
            "request_source": "/test",
            "tenant": "acme",
            "question": question,
            "received_at": "2025-01-01T00:00:00Z",
            "release": BUILT_IN.content_hash(),
            **more,
        }
    )


async def handled(
    settings: InferenceSettings,
    index: ServerIndex,
    data: RequestAccepted | AnswerChecked,
    topic: Topic = topics.REQUESTS_ACCEPTED,
) -> tuple[AnswerDrafted, Output]:
    handlers = Handlers(build(settings, indexes=Only(index), releases=OnlyBuiltIn()))
    await handlers.prepare()
    event = Event(id="1", type=topic.event_type, source="/t", data=data.model_dump_json().encode())
    (output,) = await handlers.handle(
        Record(topic.name, 1, 7, 0, b"conversation", event.data, tuple(event.headers()))
    )
    assert output.value is not None
    return AnswerDrafted.model_validate_json(output.value), output


async def test_a_question_leaves_as_a_draft_with_its_passages_and_its_key(
    settings: InferenceSettings, index: ServerIndex
) -> None:
    draft, output = await handled(settings, index, request("How much is the late payment fee?"))

    assert (output.topic, output.key, output.partition) == ("answers.drafted", b"conversation", 1)
    assert draft.attempt == 1
    assert draft.answer is not None
    assert draft.answer.text == FEE
    assert [passage.text for passage in draft.passages] == [FEE]
    assert draft.request == request("How much is the late payment fee?")


async def test_a_copy_leaves_as_a_draft_in_shadow_and_so_does_its_second_try(
    settings: InferenceSettings, index: ServerIndex
) -> None:
    asked = request("How much is the late payment fee?", received_at=datetime.now(UTC))
    copy = ShadowRequested(**dict(asked))
    draft, output = await handled(settings, index, copy, topics.SHADOWS_REQUESTED)
    assert (output.topic, output.key, output.partition) == ("shadows.drafted", b"conversation", 1)
    assert draft.answer is not None

    handlers = Handlers(build(settings, indexes=Only(index), releases=OnlyBuiltIn()))
    await handlers.prepare()
    for route, expected in (("regenerate", ["shadows.drafted"]), ("approved", []), ("review", [])):
        checked = ShadowChecked(
            **{**dict(draft), "request": copy},
            checks=(),
            confidence=Confidence(probability=0, threshold=0.9),
            reason="no",
            route=route,
        )
        event = Event(
            id="1",
            type=topics.SHADOWS_CHECKED.event_type,
            source="/t",
            data=checked.model_dump_json().encode(),
        )
        outputs = await handlers.handle(
            Record("shadows.checked", 1, 7, 0, b"c", event.data, tuple(event.headers()))
        )
        assert [each.topic for each in outputs] == expected


async def test_a_copy_for_a_release_that_nobody_knows_is_an_outcome_and_no_failure(
    settings: InferenceSettings, index: ServerIndex
) -> None:
    asked = request("Why?", received_at=datetime.now(UTC), release="f" * 64)
    draft, _ = await handled(
        settings, index, ShadowRequested(**dict(asked)), topics.SHADOWS_REQUESTED
    )
    assert draft.referral is not None
    assert draft.referral.reason == "it failed (UnknownReleaseError)"


async def test_what_nothing_answers_leaves_as_a_draft_without_answer(
    settings: InferenceSettings, index: ServerIndex
) -> None:
    draft, _ = await handled(settings, index, request("Who won at chess in Reykjavik?"))

    assert draft.answer is None


@pytest.mark.parametrize(("groups", "seen"), [(("credit",), True), (("sales",), False)])
async def test_the_askers_groups_decide_what_answers(
    settings: InferenceSettings, index: ServerIndex, groups: tuple[str, ...], *, seen: bool
) -> None:
    asked = request(
        "What is the maximum loan-to-value ratio?", principal={"id": "p", "groups": groups}
    )
    draft, _ = await handled(settings, index, asked)

    assert (draft.answer is not None) is seen
    assert any(passage.document_id == "policy" for passage in draft.passages) is seen


async def test_another_tenants_documents_answer_nothing(
    settings: InferenceSettings, index: ServerIndex
) -> None:
    asked = request("How much is the late payment fee?", tenant="bravo")
    draft, _ = await handled(settings, index, asked)

    assert draft.answer is None
    assert draft.passages == ()


async def test_a_passage_that_came_along_answers_and_is_told_from_an_indexed_one(
    settings: InferenceSettings, index: ServerIndex
) -> None:
    lease = "The notice period of the lease is 9 months."
    asked = request(
        "What is the notice period of the lease?", passages=[{"id": "faq", "text": lease}]
    )
    draft, _ = await handled(settings, index, asked)

    assert draft.answer is not None
    (citation,) = draft.answer.citations
    assert (citation.document_id, citation.locator, citation.quote) == ("faq", "inline", lease)
    places = [(passage.document_id, passage.locator) for passage in draft.passages]
    assert len(set(places)) == len(places)


async def test_a_second_try_counts_on_and_leaves_out_the_figure_that_failed(
    settings: InferenceSettings, index: ServerIndex
) -> None:
    first, _ = await handled(settings, index, request("How much is the late payment fee?"))
    failed = Verdict(name="figures", verdict="failed", score=0, reason="35 stands in no passage")
    checked = AnswerChecked(
        **first.model_dump(),
        checks=(failed,),
        confidence=Confidence(probability=0, threshold=0.99),
        reason="figures",
    )
    draft, _ = await handled(settings, index, checked, topics.FALLBACK_REGENERATE)

    assert draft.attempt == 2
    assert draft.answer is None
    assert draft.usage.input_tokens > first.usage.input_tokens  # both tries are in it


async def test_an_unknown_release_is_refused(
    settings: InferenceSettings, index: ServerIndex
) -> None:
    with pytest.raises(UnknownReleaseError, match="redrive"):
        await handled(settings, index, request("Fee?", release="0" * 64))


async def test_faults_are_planted_only_where_the_settings_say_so(
    settings: InferenceSettings, index: ServerIndex
) -> None:
    asked = request("How much is the late payment fee?", metadata={"planted_fault": "wrong_number"})
    honest, _ = await handled(settings, index, asked)
    planted, _ = await handled(settings.model_copy(update={"planted_faults": True}), index, asked)

    assert honest.answer is not None
    assert planted.answer is not None
    assert honest.answer.text == FEE
    assert planted.answer.text != FEE


async def test_a_redelivery_drafts_the_same(
    settings: InferenceSettings, index: ServerIndex
) -> None:
    asked = request("How much is the late payment fee?")
    _, one = await handled(settings, index, asked)
    _, other = await handled(settings, index, asked)

    assert json.loads(one.value or b"") == json.loads(other.value or b"")
    assert dict(one.headers)["ce_id"] == dict(other.headers)["ce_id"]
