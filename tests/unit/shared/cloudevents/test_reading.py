import base64
import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.cloudevents import CODES, Event, Headers, UnreadableError, read

REQUIRED: list[tuple[str, bytes | None]] = [
    ("ce_specversion", b"1.0"),
    ("ce_id", b"q-1"),
    ("ce_type", b"glideslope.request.submitted.v1"),
    ("ce_source", b"/crm"),
]
ENVELOPE: dict[str, Any] = {
    "specversion": "1.0",
    "id": "q-1",
    "type": "glideslope.request.submitted.v1",
    "source": "/crm",
    "data": {"question": "Why?"},
}
STRUCTURED: Headers = [("content-type", b"application/cloudevents+json; charset=UTF-8")]
DATA = b'{"question":"Why?"}'


def without(*names: str) -> Headers:
    return [header for header in REQUIRED if header[0] not in names]


def structured(**changes: Any) -> bytes:
    """Return the envelope with members changed; `...` takes one away."""
    members = {k: v for k, v in {**ENVELOPE, **changes}.items() if v is not ...}
    return json.dumps(members).encode()


def code_of(value: bytes | None, headers: Headers) -> str:
    with pytest.raises(UnreadableError) as caught:
        read(value, headers)
    assert caught.value.code in CODES
    assert str(caught.value)
    return caught.value.code


# ── what is read ──────────────────────────────────────────────────────────────────────────────


def test_the_four_required_attributes_and_json_data_make_an_event() -> None:
    assert read(DATA, REQUIRED) == Event(
        id="q-1", type="glideslope.request.submitted.v1", source="/crm", data=DATA
    )


def test_optional_attributes_and_extensions_are_read() -> None:
    more: Headers = [
        ("ce_time", b"2026-03-01T09:00:00Z"),
        ("ce_subject", "Zoë".encode()),
        ("ce_tenant", b"acme"),
        ("ce_dataschema", b"https://example.com/schema"),
        ("content-type", b"application/json"),
    ]
    event = read(DATA, [*REQUIRED, *more])
    assert event.time == "2026-03-01T09:00:00Z"
    assert event.subject == "Zoë"
    assert event.tenant == "acme"
    assert event.extensions == {"tenant": "acme"}
    assert event.foreign == ()


def test_attribute_headers_are_found_in_any_case() -> None:
    shouted = [(name.upper(), raw) for name, raw in REQUIRED]
    assert read(DATA, [*shouted, ("Content-Type", b"application/json")]) == read(DATA, REQUIRED)


def test_a_null_attribute_header_is_an_attribute_not_set() -> None:
    unset: Headers = [("ce_tenant", None), ("ce_subject", None), ("content-type", None)]
    assert read(DATA, [*REQUIRED, *unset]) == read(DATA, REQUIRED)


def test_an_attribute_given_twice_with_one_value_is_read() -> None:
    assert read(DATA, [*REQUIRED, ("ce_id", b"q-1")]) == read(DATA, REQUIRED)


def test_foreign_headers_are_carried_untouched_and_in_order() -> None:
    foreign: Headers = [
        ("x-null", None),
        ("x-binary", b"\xff\x00\xfe"),
        ("x-twice", b"1"),
        ("x-twice", b"2"),
        ("traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        ("", b"a header without a name"),
        ("ce_", b"names no attribute"),
        ("ce_not-a-name", b"nor does this"),
        ("ce_data", b"nor this"),
    ]
    for value, headers in ((DATA, REQUIRED), (structured(), STRUCTURED)):
        assert read(value, [*foreign, *headers]).foreign == tuple(foreign)


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "APPLICATION/JSON",
        "application/json; charset=utf-8",
        'application/json;charset="UTF-8"',
        "application/vnd.acme.question+json",
        "text/json",
    ],
)
def test_any_json_content_type_is_json(content_type: str) -> None:
    assert read(DATA, [*REQUIRED, ("content-type", content_type.encode())]).data == DATA
    assert read(structured(datacontenttype=content_type), STRUCTURED).data == DATA


def test_a_structured_event_is_the_same_as_a_binary_one() -> None:
    assert read(structured(), STRUCTURED) == read(DATA, REQUIRED)
    encoded = base64.b64encode(DATA).decode()
    assert read(structured(data=..., data_base64=encoded), STRUCTURED) == read(DATA, REQUIRED)


def test_a_structured_null_is_an_attribute_not_set() -> None:
    unset = structured(tenant=None, subject=None, data_base64=None)
    assert read(unset, STRUCTURED) == read(DATA, REQUIRED)


def test_attribute_headers_beside_a_structured_event_are_neither_read_nor_carried_on() -> None:
    beside: Headers = [("ce_id", b"other"), ("ce_tenant", b"\xff"), ("ce_source", None)]
    assert read(structured(), [*beside, *STRUCTURED]) == read(DATA, REQUIRED)


def test_structured_extensions_that_are_booleans_or_integers_have_a_text() -> None:
    event = read(structured(urgent=True, draft=False, weight=7), STRUCTURED)
    assert event.extensions == {"urgent": "true", "draft": "false", "weight": "7"}


# ── what is not ───────────────────────────────────────────────────────────────────────────────


def test_a_record_without_a_value_is_a_tombstone() -> None:
    assert code_of(None, REQUIRED) == "tombstone"
    assert code_of(None, STRUCTURED) == "tombstone"


@pytest.mark.parametrize("attribute", ["id", "type", "source"])
def test_a_missing_or_empty_required_attribute_is_named(attribute: str) -> None:
    header = f"ce_{attribute}"
    assert code_of(DATA, without(header)) == f"no_{attribute}"
    assert code_of(DATA, [*without(header), (header, b"")]) == f"no_{attribute}"
    assert code_of(DATA, [*without(header), (header, None)]) == f"no_{attribute}"
    assert code_of(structured(**{attribute: ...}), STRUCTURED) == f"no_{attribute}"
    assert code_of(structured(**{attribute: ""}), STRUCTURED) == f"no_{attribute}"


def test_another_version_of_cloudevents_or_none_is_unreadable() -> None:
    assert code_of(DATA, []) == "specversion"
    assert code_of(DATA, [*without("ce_specversion"), ("ce_specversion", b"0.3")]) == "specversion"
    assert code_of(structured(specversion="2.0"), STRUCTURED) == "specversion"


@pytest.mark.parametrize(
    "header",
    [
        ("ce_subject", b"\xff"),
        ("ce_tenant", b"a\x00b"),
        ("ce_subject", b"two\nlines"),
        ("ce_tenant", b""),
        ("ce_subject", b""),
        ("ce_id", b"another"),
        ("CE_ID", b"another"),
        ("content-type", b"\xff"),
    ],
)
def test_an_attribute_that_says_nothing_certain_is_unreadable(header: tuple[str, bytes]) -> None:
    assert code_of(DATA, [*REQUIRED, header]) == "bad_attribute"


@pytest.mark.parametrize(
    "member",
    [
        {"id": 5},
        {"specversion": 1.0},
        {"tenant": ["acme"]},
        {"weight": 1.5},
        {"Tenant": "acme"},
        {"not-a-name": "x"},
        {"": "x"},
        {"subject": "a\x7fb"},
    ],
)
def test_a_structured_attribute_of_the_wrong_kind_is_unreadable(member: dict[str, Any]) -> None:
    assert code_of(structured(**member), STRUCTURED) == "bad_attribute"


def test_two_content_types_are_unreadable() -> None:
    both: Headers = [*STRUCTURED, ("Content-Type", b"application/json")]
    assert code_of(structured(), both) == "bad_attribute"


@pytest.mark.parametrize(
    "content_type",
    ["text/xml", "application/octet-stream", "application/json; charset=utf-16", "json", ""],
)
def test_data_that_is_declared_to_be_no_json_is_unreadable(content_type: str) -> None:
    assert code_of(DATA, [*REQUIRED, ("content-type", content_type.encode())]) == "not_json"
    assert code_of(structured(datacontenttype=content_type), STRUCTURED) == "not_json"


def test_a_batch_is_unreadable() -> None:
    headers: Headers = [("content-type", b"application/cloudevents-batch+json")]
    assert code_of(b"[" + structured() + b"]", headers) == "batch"


@pytest.mark.parametrize(
    "content_type",
    [
        "application/cloudevents+avro",
        "application/cloudevents",
        "application/cloudevents+jsonlines",
        "Application/CloudEvents+Protobuf",
    ],
)
def test_another_event_format_than_json_is_unreadable(content_type: str) -> None:
    headers: Headers = [*REQUIRED, ("content-type", content_type.encode())]
    assert code_of(structured(), headers) == "unsupported_format"


@pytest.mark.parametrize("value", [b"[]", b'"text"', b"1", b"null"])
def test_a_structured_event_is_one_object(value: bytes) -> None:
    assert code_of(value, STRUCTURED) == "bad_envelope"


def test_an_event_without_data_is_unreadable() -> None:
    assert code_of(b"", REQUIRED) == "no_data"
    assert code_of(b"null", REQUIRED) == "no_data"
    assert code_of(structured(data=...), STRUCTURED) == "no_data"
    assert code_of(structured(data=None), STRUCTURED) == "no_data"
    assert code_of(structured(data=..., data_base64=""), STRUCTURED) == "no_data"


@pytest.mark.parametrize("encoded", ["no base64!", 5, ["e30="], "Zoë", "e30"])
def test_data_base64_that_is_none_is_unreadable(encoded: object) -> None:
    assert code_of(structured(data=..., data_base64=encoded), STRUCTURED) == "bad_data"


def test_data_given_twice_is_unreadable() -> None:
    assert code_of(structured(data_base64="e30="), STRUCTURED) == "bad_data"


NOT_JSON = {
    "text": b"What is the limit?",
    "cut off": b'{"question":',
    "something after it": b"{} {}",
    "NaN": b'{"x": NaN}',
    "Infinity": b'{"x": -Infinity}',
    "a float beyond a double": b'{"x": 1e999}',
    "a long float beyond a double": b'{"x": ' + b"9" * 400 + b".0}",
    "an integer of 5,000 digits": b'{"x": ' + b"9" * 5_000 + b"}",
    "nested 100,000 deep": b"[" * 100_000,
    "nested 300 deep and closed": b"[" * 300 + b"]" * 300,
    "a lone surrogate": rb'{"x": "\ud800"}',
    "a lone surrogate as a name": rb'{"\udc00": 1}',
    "a surrogate in UTF-8": b'{"x": "\xed\xa0\x80"}',
    "a byte order mark": b'\xef\xbb\xbf{"question": "Why?"}',
    "UTF-16": '{"question": "Why?"}'.encode("utf-16"),
    "invalid UTF-8": b'{"x": "\xff"}',
    "a raw control character": b'{"x": "\x01"}',
}


@pytest.mark.parametrize("value", NOT_JSON.values(), ids=NOT_JSON)
def test_a_value_that_is_not_json_for_everyone_is_unreadable(value: bytes) -> None:
    assert code_of(value, REQUIRED) == "bad_json"
    assert code_of(value, STRUCTURED) == "bad_json"
    encoded = base64.b64encode(value).decode()
    assert code_of(structured(data=..., data_base64=encoded), STRUCTURED) == "bad_json"


def test_the_word_infinity_is_no_number() -> None:
    data = b'{"question":"To Infinity and NaN?"}'
    assert read(data, REQUIRED).data == data


def test_an_error_does_not_repeat_the_data() -> None:
    with pytest.raises(UnreadableError) as caught:
        read(b'{"question": "my secret"', REQUIRED)
    assert "secret" not in str(caught.value)


# ── whatever comes ────────────────────────────────────────────────────────────────────────────

names = st.one_of(
    st.sampled_from(["content-type", "ce_id", "CE_ID", "ce_type", "ce_specversion", "ce_tenant"]),
    st.text(st.characters(codec="utf-8"), max_size=12).map("ce_".__add__),
    st.text(st.characters(codec="utf-8"), max_size=12),
)
raws = st.one_of(
    st.none(),
    st.binary(max_size=40),
    st.sampled_from(
        [
            b"1.0",
            b"application/cloudevents+json",
            b"application/json;charset*0*=x''y",
            b"application/json;;;",
        ]
    ),
)
json_values: st.SearchStrategy[Any] = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(st.characters(codec="utf-8")),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=8), inner, max_size=4),
    ),
    max_leaves=20,
)


@given(
    st.one_of(st.none(), st.binary(), json_values.map(lambda v: json.dumps(v).encode())),
    st.lists(st.tuples(names, raws), max_size=8),
)
def test_junk_raises_unreadable_and_nothing_else(value: bytes | None, headers: Headers) -> None:
    for complete in (headers, [*REQUIRED, *headers], [*headers, *STRUCTURED]):
        try:
            read(value, complete)
        except UnreadableError as error:
            assert error.code in CODES  # noqa: PT017 - not raising is fine too


@given(st.dictionaries(st.sampled_from([*ENVELOPE, "data_base64", "tenant", "x"]), json_values))
def test_a_junk_envelope_raises_unreadable_and_nothing_else(members: dict[str, Any]) -> None:
    for envelope in (members, {**ENVELOPE, **members}):
        try:
            read(json.dumps(envelope).encode(), STRUCTURED)
        except UnreadableError as error:
            assert error.code in CODES  # noqa: PT017 - not raising is fine too


texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=30)
extensions = st.dictionaries(st.sampled_from(["tenant", "urgent", "traceparent"]), texts)
foreign_headers = st.lists(
    st.tuples(
        st.text(st.characters(codec="utf-8"), max_size=12).filter(
            lambda name: not name.lower().startswith("ce_") and name.lower() != "content-type"
        ),
        st.one_of(st.none(), st.binary(max_size=20)),
    ),
    max_size=5,
)
data = json_values.filter(lambda value: value is not None)
events = st.builds(
    Event,
    id=texts,
    type=texts,
    source=texts,
    data=data.map(lambda value: json.dumps(value).encode()),
    time=st.one_of(st.none(), texts),
    subject=st.one_of(st.none(), texts),
    extensions=extensions,
    foreign=foreign_headers.map(tuple),
)


@given(events)
def test_what_is_written_is_read_as_it_was(event: Event) -> None:
    assert read(event.data, event.headers()) == event


@given(events)
def test_structured_mode_reads_as_binary_mode_does(event: Event) -> None:
    members = {
        "specversion": "1.0",
        "id": event.id,
        "type": event.type,
        "source": event.source,
        "time": event.time,
        "subject": event.subject,
        "data": json.loads(event.data),
        **event.extensions,
    }
    again = read(json.dumps(members).encode(), [*event.foreign, *STRUCTURED])
    binary = read(event.data, event.headers())
    assert json.loads(again.data) == json.loads(binary.data)
    assert again == Event(
        id=binary.id,
        type=binary.type,
        source=binary.source,
        data=again.data,
        time=binary.time,
        subject=binary.subject,
        extensions=binary.extensions,
        foreign=binary.foreign,
    )


def test_however_long_names_and_types_a_sender_chooses_they_are_not_kept() -> None:
    def read_long(number: int) -> None:
        long = f"{number}{'x' * 100_000}"
        read(DATA, [*REQUIRED, (f"ce_{long}", b""), (long, b"")])
        read(DATA, [*REQUIRED, ("content-type", f"application/json; a={long}".encode())])
        with pytest.raises(UnreadableError):
            read(DATA, [*REQUIRED, ("content-type", long.encode())])

    read_long(0)
    tracemalloc.start()
    try:
        for number in range(1, 11):
            read_long(number)
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert kept < 100_000, "less than one of them"
