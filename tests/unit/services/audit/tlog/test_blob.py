import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.audit.tlog import blob
from services.audit.tlog.blob import BadBlobError, Content, Key

KEY = Key.generate()
raws = (
    st.none()
    | st.binary(max_size=40)
    | st.text(max_size=20).map(lambda t: t.encode("utf-8", "replace"))
)
names = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@given(raws, st.lists(st.tuples(names, raws), max_size=4), raws)
def test_a_record_is_read_back_byte_for_byte(
    key: bytes | None, headers: list[tuple[str, bytes | None]], value: bytes | None
) -> None:
    content = Content(key, tuple(headers), value)

    assert blob.open_(blob.seal(content, KEY, b"here"), KEY, b"here") == content


CONTENT = Content(b"k", (("n", b"v"),), b"the value")


def test_a_blob_opens_at_its_own_place_only() -> None:
    with pytest.raises(BadBlobError, match="another entry"):
        blob.open_(blob.seal(CONTENT, KEY, b"here"), KEY, b"there")


def test_a_blob_opens_with_its_own_key_only() -> None:
    sealed = blob.seal(CONTENT, KEY, b"")

    assert blob.key_id(sealed) == KEY.id
    with pytest.raises(BadBlobError, match=KEY.id):
        blob.open_(sealed, Key.generate(), b"")
    with pytest.raises(BadBlobError, match="changed"):
        blob.open_(sealed, Key(KEY.id, os.urandom(32)), b"")


def test_a_blob_with_any_byte_changed_does_not_open() -> None:
    sealed = blob.seal(CONTENT, KEY, b"")
    for at in range(len(sealed)):
        changed = sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :]
        with pytest.raises(BadBlobError):
            blob.open_(changed, KEY, b"")


def test_the_same_record_sealed_twice_differs_in_everything_but_the_key_id() -> None:
    one, other = blob.seal(CONTENT, KEY, b""), blob.seal(CONTENT, KEY, b"")

    assert one[:17] == other[:17]
    assert one[17:57] != other[17:57]
    assert one[57:] != other[57:]


def test_a_key_keeps_its_secret_out_of_messages() -> None:
    assert repr(KEY.secret) not in repr(KEY)
