from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest import feedback
from services.ingest.arrival import Arrival
from services.ingest.objection import Code
from shared.events import FeedbackAccepted, FeedbackRejected

NOW = datetime(2030, 1, 31, 12, tzinfo=UTC)
ARRIVAL = Arrival("f-1", "/crm", "bank", "default", 100, NOW, NOW)
ANY_TEXT = st.text(st.characters(exclude_categories=[]))
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(ANY_TEXT, inner),
)
NEARLY_FEEDBACK = st.fixed_dictionaries(
    {"request_id": ANY_TEXT, "rating": st.sampled_from(["helpful", "wrong", "no"]) | ANY_JSON},
    optional={"comment": ANY_TEXT | ANY_JSON, "request_source": ANY_TEXT | ANY_JSON},
)


def decide(data: Any) -> FeedbackAccepted | FeedbackRejected:
    return feedback.acceptable(data, ARRIVAL, 1024)


@given(ANY_JSON | NEARLY_FEEDBACK)
def test_any_json_value_is_decided_and_the_decision_can_be_published(data: Any) -> None:
    decision = decide(data)
    assert type(decision).model_validate_json(decision.model_dump_json()) == decision


def test_feedback_is_accepted_with_its_tenant_and_a_normalised_comment() -> None:
    data = {"request_id": "q-1", "rating": "unhelpful", "comment": " wrong\r\nyear "}
    assert decide(data) == FeedbackAccepted(
        request_id="q-1", rating="unhelpful", comment="wrong\nyear", tenant="bank"
    )


def test_a_comment_may_be_absent_or_blank() -> None:
    for comment in ({}, {"comment": "  "}):
        decision = decide({"request_id": "q-1", "rating": "helpful", **comment})
        assert isinstance(decision, FeedbackAccepted)
        assert decision.comment == ""


@pytest.mark.parametrize(
    ("data", "code", "field"),
    [
        ("good", Code.NOT_AN_OBJECT, None),
        ({"rating": "helpful"}, Code.FIELD_MISSING, "request_id"),
        ({"request_id": "q-1", "rating": "5 stars"}, Code.FIELD_MALFORMED, "rating"),
        (
            {"request_id": "q-1", "rating": "wrong", "comment": "x" * 8_001},
            Code.TOO_LONG,
            "comment",
        ),
        (
            {"request_id": "q-1", "rating": "wrong", "comment": "\U0001d160" * 8_000},
            Code.TOO_LONG,  # NFC makes three characters of it
            "comment",
        ),
        ({"request_id": "q\x001", "rating": "wrong"}, Code.CONTROL_CHARACTER, "request_id"),
    ],
)
def test_a_rejection_names_what_is_wrong_and_where(data: Any, code: Code, field: str) -> None:
    decision = decide(data)
    assert isinstance(decision, FeedbackRejected)
    assert (decision.code, decision.field) == (code, field)


def test_a_rejection_names_the_request_where_it_can() -> None:
    for data, name in (
        ({"request_id": "q-1", "rating": "5 stars"}, "q-1"),
        ({"request_id": 7, "rating": "wrong"}, None),
        ([], None),
    ):
        decision = decide(data)
        assert isinstance(decision, FeedbackRejected)
        assert decision.request_id == name
