import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glideslope.audit.leaves import BadFormError, event_of, read_leaf
from services.audit.entry import Position, RequestKey
from services.audit.tlog.leaf import Blob, Leaf

texts = st.text(max_size=30)
numbers = st.integers(min_value=-(2**53) + 1, max_value=2**53 - 1)
leaves = st.builds(
    Leaf,
    position=st.builds(Position, texts, texts, numbers, numbers, numbers),
    event_id=st.none() | texts,
    type=st.none() | texts,
    tenant=st.none() | texts,
    release=st.none() | texts,
    decides=st.none() | st.builds(RequestKey, texts, texts, texts),
    subject_key=st.none() | texts,
    previous=st.none() | numbers,
    blob=st.builds(
        Blob,
        st.text(string.hexdigits.lower()[:16], min_size=64, max_size=64),
        numbers,
        numbers,
        numbers,
    ),
)


@given(leaves)
def test_what_the_writer_writes_is_read_as_it_was_meant(leaf: Leaf) -> None:
    said = read_leaf(leaf.encode())
    assert said.position == leaf.position
    assert (said.event_id, said.type, said.subject_key) == (
        leaf.event_id,
        leaf.type,
        leaf.subject_key,
    )
    assert said.previous == leaf.previous
    assert Blob(said.sha256, said.bytes, said.pack, said.at) == leaf.blob


@given(leaves, st.data())
def test_only_what_the_writer_would_write_is_read(leaf: Leaf, data: st.DataObject) -> None:
    raw = bytearray(leaf.encode())
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] = data.draw(st.integers(0, 255))
    try:
        read_leaf(bytes(raw))
    except BadFormError:
        return
    assert Leaf.decode(bytes(raw)).encode() == bytes(raw)


@pytest.mark.parametrize(
    "raw", [b"", b"{}", b"\xff", b'{"event_id":7}', b'{ "event_id":"x"}', b"[]"]
)
def test_what_is_no_leaf_is_refused(raw: bytes) -> None:
    with pytest.raises(BadFormError):
        read_leaf(raw)


def test_the_event_of_a_damaged_entry_is_told_where_it_can_be() -> None:
    assert event_of(b'{"blob":???,"event_id":"e-1","offset":1}') == "e-1"
    assert event_of(b"nothing") is None
