import json

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from services.audit.entry import Position, RequestKey
from services.audit.tlog.leaf import BadLeafError, Blob, Leaf, identity

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=50)
numbers = st.integers(-1, 2**53 - 1)
positions = st.builds(Position, texts, texts, numbers, numbers, numbers)
leaves = st.builds(
    Leaf,
    position=positions,
    event_id=st.none() | texts,
    type=st.none() | texts,
    tenant=st.none() | texts,
    release=st.none() | texts,
    decides=st.none() | st.builds(RequestKey, texts, texts),
    subject_key=st.none() | texts,
    blob=st.builds(Blob, texts, numbers),
)


@given(leaves)
def test_a_leaf_is_canonical_json_and_read_back(leaf: Leaf) -> None:
    raw = leaf.encode()

    assert raw == rfc8785.dumps(json.loads(raw))
    assert Leaf.decode(raw) == leaf


@given(texts, positions)
def test_an_identity_is_canonical_json(origin: str, position: Position) -> None:
    raw = identity(origin, position)

    assert raw == rfc8785.dumps(json.loads(raw))


LEAF = Leaf(
    position=Position("c", "requests", 0, 3, 1_760_000_000_000),
    event_id="e",
    type="t",
    tenant="acme",
    release=None,
    decides=None,
    subject_key="00",
    blob=Blob("aa", 3),
)


def test_a_leaf_is_written_like_this() -> None:
    assert LEAF.encode() == (
        b'{"blob":{"bytes":3,"sha256":"aa"},"cluster":"c","decides":null,"event_id":"e","offset":3,'
        b'"partition":0,"release":null,"subject_key":"00","tenant":"acme",'
        b'"timestamp":1760000000000,"topic":"requests","type":"t","v":1}'
    )


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"{}",
        b"null",
        LEAF.encode() + b" ",
        LEAF.encode().replace(b'"v":1', b'"v":2'),
        LEAF.encode().replace(b'"v":1', b'"v":1,"w":1'),
        LEAF.encode().replace(b'"offset":3', b'"offset":"3"'),
        LEAF.encode().replace(b'"type":"t"', b'"type":7'),
        LEAF.encode().replace(b'"requests"', b'"reque\\u0073ts"'),
    ],
)
def test_what_is_no_leaf_is_refused(raw: bytes) -> None:
    with pytest.raises(BadLeafError):
        Leaf.decode(raw)


def test_a_leaf_that_fits_no_bundle_is_refused() -> None:
    leaf = Leaf(LEAF.position, "e" * 70_000, None, None, None, None, None, Blob("aa", 3))
    with pytest.raises(BadLeafError, match="too long"):
        leaf.encode()
