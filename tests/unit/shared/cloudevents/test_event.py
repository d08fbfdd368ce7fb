import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.cloudevents import NAMESPACE, Derivation, Event, derived_id
from shared.events import RequestDuplicated

CAUSE = Event(
    id="q-1",
    type="glideslope.request.submitted.v1",
    source="/crm",
    data=b"{}",
    time="2026-03-01T09:00:00Z",
    subject="zoe@acme.example",
    extensions={"tenant": "acme", "urgent": "true"},
    foreign=(("x-trace", None), ("x-trace", b"\xff")),
)
DATA = RequestDuplicated(request_id="q-1", request_source="/crm")


def derive(cause: Event = CAUSE, **extensions: str | None) -> Event:
    return cause.derive(
        DATA,
        type="glideslope.request.duplicated.v1",
        source="/glideslope/ingest",
        stage="requests.duplicated",
        extensions=extensions,
        now=datetime(2026, 3, 1, 9, 0, 5, tzinfo=UTC),
    )


def test_a_derived_id_never_changes() -> None:
    # Literal on purpose: another value would answer every redelivered request a second time.
    assert derived_id("/crm", "q-1", "results") == "ddb7c432-d14f-50cb-93e7-43b908c6def4"


texts = st.text(st.characters(codec="utf-8"), max_size=20)
causes = st.tuples(texts, texts, texts)


@given(causes, causes)
def test_a_derived_id_is_as_distinct_as_source_id_and_stage(
    one: tuple[str, str, str], other: tuple[str, str, str]
) -> None:
    assert (derived_id(*one) == derived_id(*other)) == (one == other)
    assert UUID(derived_id(*one)).version == 5


def test_what_is_joined_differently_has_different_ids() -> None:
    ids = {
        derived_id("/a", "b/c", "s"),
        derived_id("/a/b", "c", "s"),
        derived_id("/a", "b", "c/s"),
        derived_id('/a", "b', "c", "s"),
    }
    assert len(ids) == 4


def test_headers_are_binary_mode_with_the_foreign_ones_last() -> None:
    assert CAUSE.headers() == [
        ("ce_specversion", b"1.0"),
        ("ce_id", b"q-1"),
        ("ce_type", b"glideslope.request.submitted.v1"),
        ("ce_source", b"/crm"),
        ("ce_time", b"2026-03-01T09:00:00Z"),
        ("ce_subject", b"zoe@acme.example"),
        ("content-type", b"application/json"),
        ("ce_tenant", b"acme"),
        ("ce_urgent", b"true"),
        ("x-trace", None),
        ("x-trace", b"\xff"),
    ]


def test_a_derived_event_inherits_subject_extensions_and_foreign_headers() -> None:
    event = derive()
    assert event.subject == CAUSE.subject
    assert event.extensions == CAUSE.extensions
    assert event.foreign == CAUSE.foreign


def test_a_derived_event_says_what_it_is_and_who_made_it_when() -> None:
    event = derive()
    assert event.type == "glideslope.request.duplicated.v1"
    assert event.source == "/glideslope/ingest"
    assert event.time == "2026-03-01T09:00:05+00:00"
    assert RequestDuplicated.model_validate_json(event.data) == DATA
    assert event.id == derived_id("/crm", "q-1", "requests.duplicated")


def test_deriving_again_makes_the_same_event() -> None:
    assert derive() == derive()


def test_the_stage_may_name_the_tenant() -> None:
    assert derive(tenant="other").tenant == "other"
    assert derive(Event(id="1", type="t", source="s", data=b"{}"), tenant="x").tenant == "x"
    assert CAUSE.tenant == "acme"


def test_the_stage_may_leave_an_extension_out() -> None:
    assert derive(tenant=None, never=None).extensions == {"urgent": "true"}
    assert CAUSE.extensions == {"tenant": "acme", "urgent": "true"}


@given(source=st.text(), name=st.text(), stage=st.text())
def test_a_derived_id_is_the_uuid5_that_the_standard_library_makes(
    source: str, name: str, stage: str
) -> None:
    expected = uuid5(uuid5(NAMESPACE, json.dumps([source, name])), stage)
    assert derived_id(source, name, stage) == str(expected)


@pytest.mark.parametrize("extensions", [{}, {"tenant": "blue", "urgent": None, "retry": "1"}])
@pytest.mark.parametrize("cause", [CAUSE, replace(CAUSE, subject=None, extensions={}, foreign=())])
def test_a_derivation_gives_the_headers_of_the_derived_event(
    cause: Event, extensions: dict[str, str | None]
) -> None:
    whole = derive(cause, **extensions)
    made = Derivation(whole.type, whole.source, "requests.duplicated").headers(cause, extensions)
    written = dict(made).pop("ce_time") or b""
    assert abs(datetime.fromisoformat(written.decode()) - datetime.now(UTC)) < timedelta(minutes=1)
    assert made == replace(whole, time=written.decode()).headers()
