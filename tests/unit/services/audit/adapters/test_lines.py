import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.audit.adapters.lines import BadLineError, Line, decode, encode
from services.audit.entry import Entry, Position, RequestKey

anything = st.characters(exclude_categories=[])  # lone surrogates too: JSON can carry them
texts = st.text(anything)
integers = st.integers(min_value=0, max_value=2**63 - 1)
maybe_bytes = st.none() | st.binary() | st.text().map(str.encode)
entries = st.builds(
    Entry,
    position=st.builds(Position, texts, texts, integers, integers, st.integers(-1, 2**63 - 1)),
    key=maybe_bytes,
    headers=st.lists(st.tuples(texts, maybe_bytes)).map(tuple),
    value=maybe_bytes,
    decides=st.none() | st.builds(RequestKey, texts, texts),
)
lines = st.builds(Line, origin=texts, index=integers, size=integers, entry=entries)

PLAIN = Line("a/0", 0, 1, Entry(Position("c", "t", 0, 0, 0), b"k", (("h", None),), b'{"a":1}'))


@given(lines)
def test_a_line_comes_back_as_it_was(line: Line) -> None:
    assert decode(encode(line)) == line


@given(lines)
def test_an_entry_is_one_line_of_json(line: Line) -> None:
    raw = encode(line)

    assert raw.endswith(b"\n")
    assert raw.count(b"\n") == 1
    assert json.loads(raw)["index"] == line.index


def test_readable_text_stands_there_as_it_is_and_other_bytes_in_base64() -> None:
    entry = Entry(Position("c", "t", 0, 0, 0), b"\xff", (), b'{"question": "Why?"}')

    document = json.loads(encode(Line("a/0", 0, 1, entry)))

    assert document["value"] == '{"question": "Why?"}'
    assert base64.b64decode(document["key"]["base64"]) == b"\xff"


@pytest.mark.parametrize("flip", [1, 0x20, 0x80])
def test_no_changed_byte_goes_unnoticed(flip: int) -> None:
    raw = encode(PLAIN)

    for place in range(len(raw) - 1):
        changed = bytearray(raw)
        changed[place] ^= flip
        with pytest.raises(BadLineError):
            decode(bytes(changed))


@given(st.binary())
def test_junk_is_no_line(junk: bytes) -> None:
    with pytest.raises(BadLineError):
        decode(junk)
