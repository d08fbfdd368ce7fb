import json
from dataclasses import replace

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
    previous=st.none() | numbers,
    blob=st.builds(Blob, st.text("0123456789abcdef", max_size=64), numbers, numbers, numbers),
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
    previous=1,
    blob=Blob("aa", 3, 2, 7),
)


def test_a_leaf_is_written_like_this() -> None:
    assert LEAF.encode() == (
        b'{"blob":{"at":7,"bytes":3,"pack":2,"sha256":"aa"},"cluster":"c","decides":null,'
        b'"event_id":"e","offset":3,"partition":0,"previous":1,"release":null,"subject_key":"00","tenant":"acme",'
        b'"timestamp":1760000000000,"topic":"requests","type":"t","v":2}'
    )


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"{}",
        b"null",
        LEAF.encode() + b" ",
        LEAF.encode().replace(b'"v":2', b'"v":1'),
        LEAF.encode().replace(b'"v":2', b'"v":2,"w":1'),
        LEAF.encode().replace(b'"offset":3', b'"offset":"3"'),
        LEAF.encode().replace(b'"type":"t"', b'"type":7'),
        LEAF.encode().replace(b'"requests"', b'"reque\\u0073ts"'),
    ],
)
def test_what_is_no_leaf_is_refused(raw: bytes) -> None:
    with pytest.raises(BadLeafError):
        Leaf.decode(raw)


def test_a_leaf_that_fits_no_bundle_is_refused() -> None:
    leaf = replace(LEAF, event_id="e" * 70_000)
    with pytest.raises(BadLeafError, match="too long"):
        leaf.encode()
