import json

from hypothesis import given
from hypothesis import strategies as st

from glideslope.masking import masked, masked_headers

HIDDEN = "H1DDEN"
JSON = st.recursive(
    st.text(max_size=9).map(lambda text: HIDDEN + text),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(st.sampled_from(["question", "id", HIDDEN]), inner, max_size=3)
    ),
    max_leaves=20,
)


@given(JSON)
def test_no_text_and_no_name_of_the_sender_is_shown(content: object) -> None:
    assert HIDDEN not in masked(json.dumps(content).encode())


def test_the_structure_is_shown_with_lengths() -> None:
    value = {
        "question": "Who owes what?",
        "passages": [{"id": "p", "text": "x" * 1200}] * 5,
        "metadata": {"ann@example.org": "x"},
        "deadline": None,
        "n": 4711,
        "deleted": True,
    }

    assert json.loads(masked(json.dumps(value).encode())) == {
        "question": "<text, 14 characters>",
        "passages": [{"id": "<text, 1 character>", "text": "<text, 1,200 characters>"}] * 3
        + ["<2 more>"],
        "metadata": {"<name, 15 characters>": "<text, 1 character>"},
        "deadline": None,
        "<name, 1 character>": "<number>",
        "deleted": "<true or false>",
    }


def test_what_is_no_json_is_only_measured() -> None:
    assert masked(b"\xff\xfe") == "<2 bytes>"
    assert masked(b"") == "<0 bytes>"
    assert masked(None) == "no value"
    assert masked(b"[" * 100_000) == "<100,000 bytes>"


def test_only_headers_that_identify_the_event_are_shown() -> None:
    headers = [
        ("ce_id", b"q-1"),
        ("ce_subject", b"ann@example.org"),
        ("note", b"about Ann"),
        ("null", None),
        ("content-type", b"\xff"),
    ]

    assert masked_headers(headers) == [
        ("ce_id", "q-1"),
        ("ce_subject", "<15 bytes>"),
        ("note", "<9 bytes>"),
        ("null", "null"),
        ("content-type", "\\xff"),
    ]
