import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest import documents
from services.ingest.arrival import Arrival
from services.ingest.objection import Code
from shared.events import EVERYONE, DocumentAccepted, DocumentRejected

NOW = datetime(2030, 1, 31, 12, tzinfo=UTC)
ARRIVAL = Arrival("d-1", "/dms", "bank", "default", 100, NOW, NOW)
MIB = 1024 * 1024
ANY_TEXT = st.text(st.characters(exclude_categories=[])) | st.text("ab1 \n\t|.é", max_size=50)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(ANY_TEXT, inner),
)
NEARLY_A_DOCUMENT = st.fixed_dictionaries(
    {"document_id": ANY_TEXT},
    optional={
        "title": ANY_TEXT | ANY_JSON,
        "text": ANY_TEXT | ANY_JSON,
        "pages": st.lists(st.fixed_dictionaries({"locator": ANY_TEXT, "text": ANY_TEXT}))
        | ANY_JSON,
        "groups": st.lists(ANY_TEXT) | ANY_JSON,
        "metadata": st.dictionaries(ANY_TEXT, ANY_TEXT) | ANY_JSON,
        "deleted": st.booleans() | ANY_JSON,
    },
)


def decide(data: Any) -> DocumentAccepted | DocumentRejected:
    return documents.acceptable(data, ARRIVAL, MIB)


def accepted(**data: Any) -> DocumentAccepted:
    decision = decide({"document_id": "policy", **data})
    assert isinstance(decision, DocumentAccepted), decision
    return decision


@given(ANY_JSON | NEARLY_A_DOCUMENT)
def test_any_json_value_is_decided_and_the_decision_can_be_published(data: Any) -> None:
    decision = decide(data)
    assert type(decision).model_validate_json(decision.model_dump_json()) == decision


@given(NEARLY_A_DOCUMENT)
def test_an_accepted_document_has_passages_with_ids_and_locators_of_their_own(data: Any) -> None:
    decision = decide(data)
    if isinstance(decision, DocumentAccepted) and not decision.deleted:
        assert decision.passages
        for names in (
            [passage.id for passage in decision.passages],
            [passage.locator for passage in decision.passages],
        ):
            assert len(set(names)) == len(names)


def test_a_text_becomes_passages_with_the_documents_names() -> None:
    decision = accepted(title="Credit policy", text="# 2 Limits\r\n\r\nNo more than 5.\n")
    (passage,) = decision.passages
    assert decision.tenant == "bank"
    assert (passage.document_id, passage.title) == ("policy", "Credit policy")
    assert passage.locator == "Credit policy § 2 Limits ¶1"
    assert passage.text == "# 2 Limits\n\nNo more than 5."


def test_pages_keep_their_locators_and_blank_ones_are_passed_over() -> None:
    pages = [{"locator": f"p. {n}", "text": text} for n, text in enumerate(["A.", " \n", "C."])]
    assert [passage.locator for passage in accepted(pages=pages).passages] == ["p. 0 ¶1", "p. 2 ¶1"]


def test_absent_groups_are_everyone_and_empty_groups_nobody() -> None:
    assert accepted(text="A.").groups == (EVERYONE,)
    assert accepted(text="A.", groups=[]).groups == ()
    assert accepted(text="A.", groups=["risk"]).groups == ("risk",)


def test_passages_say_their_documents_version_and_from_when_on_it_holds() -> None:
    decision = accepted(text="A.", version="rev 7", valid_from="2030-01-31T12:00:00Z")
    (passage,) = decision.passages
    assert passage.version == decision.version == "rev 7"
    assert passage.valid_from == decision.valid_from == datetime(2030, 1, 31, 12, tzinfo=UTC)


def test_a_version_that_is_not_named_tells_what_a_document_says_and_nothing_else() -> None:
    first, again, other = (
        accepted(text="A.", groups=[]),
        accepted(text="A.", groups=["risk"]),
        accepted(text="B."),
    )
    assert first.version == again.version != other.version
    assert (first.version or "").startswith("sha256:")
    assert accepted(deleted=True).version is None


def test_a_deletion_leaves_no_passages_whatever_else_is_sent() -> None:
    for data in ({}, {"text": "A."}, {"text": "A.", "pages": []}):
        decision = accepted(deleted=True, **data)
        assert decision.deleted
        assert decision.passages == ()


def test_the_key_is_tenant_and_document_and_a_rejection_has_none() -> None:
    assert documents.key(accepted(text="A.")) == b"bank/policy"
    rejected = decide({})
    assert isinstance(rejected, DocumentRejected)
    assert documents.key(rejected) is None


@pytest.mark.parametrize(
    ("data", "code", "field"),
    [
        ({}, Code.TEXT_OR_PAGES, None),
        ({"text": "A.", "pages": []}, Code.TEXT_OR_PAGES, None),
        ({"text": " \n"}, Code.EMPTY, "text"),
        ({"pages": []}, Code.EMPTY, "pages"),
        ({"pages": [{"locator": "p. 1", "text": "\u200b"}]}, Code.EMPTY, "pages"),
        ({"text": "A\x00"}, Code.CONTROL_CHARACTER, "text"),
        ({"pages": [{"locator": "p. 1", "text": "\x1b"}]}, Code.CONTROL_CHARACTER, "pages.0.text"),
        ({"pages": [{"locator": "\n", "text": "A."}]}, Code.CONTROL_CHARACTER, "pages.0.locator"),
        ({"text": "A.", "title": "x" * 513}, Code.TOO_LONG, "title"),
        ({"text": "A.", "groups": [""]}, Code.EMPTY, "groups.0"),
        ({"text": "A.", "groups": ["g"] * 1_001}, Code.TOO_MANY, "groups"),
        ({"text": 7}, Code.FIELD_MALFORMED, "text"),
        ({"text": "A.", "valid_from": 1900000000}, Code.FIELD_MALFORMED, "valid_from"),
        ({"text": "A.", "valid_from": "2030-01-31"}, Code.FIELD_MALFORMED, "valid_from"),
        ({"text": "A.", "version": "1\n2"}, Code.CONTROL_CHARACTER, "version"),
    ],
)
def test_a_rejection_names_what_is_wrong_and_where(data: Any, code: Code, field: str) -> None:
    decision = decide({"document_id": "policy", **data})
    assert isinstance(decision, DocumentRejected)
    assert (decision.document_id, decision.code, decision.field) == ("policy", code, field)


def test_a_document_whose_passages_would_not_fit_a_record_is_rejected() -> None:
    pages = [{"locator": "p", "text": "a"}] * documents.PAGES_MAX
    data = {"document_id": "d" * 512, "title": "t" * 512, "pages": pages}
    assert len(json.dumps(data)) < MIB
    decision = decide(data)
    assert isinstance(decision, DocumentRejected)
    assert decision.code == Code.TOO_LARGE
    assert f"{documents.ACCEPTED_MAX_BYTES:,}" in decision.message
