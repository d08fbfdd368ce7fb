import os
import sqlite3
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from services.audit.adapters.keys import LocalKeys
from services.audit.tlog.keystore import (
    HeldError,
    MasterKeyError,
    Owner,
    UnknownSubjectError,
)
from services.audit.tlog.leaf import (
    ERASURE_REFUSED,
    HELD,
    RELEASED,
    SHREDDED,
    SIGNING_KEY_ROTATED,
)

ANN = Owner("acme", "ann.smith@example.com")
BOB = Owner("acme", "bob")
ACME = Owner("acme", None)
MASTER = bytes(32)


@pytest.fixture
def again(tmp_path: Path) -> Iterator[Callable[[], LocalKeys]]:
    """Opens the store of `keys` once more, as another process would."""
    opened: list[LocalKeys] = []

    def open_() -> LocalKeys:
        opened.append(LocalKeys(tmp_path / "keys", MASTER))
        return opened[-1]

    yield open_
    for keys in opened:
        keys.close()


def test_an_owner_keeps_their_key_and_shares_it_with_nobody(
    keys: LocalKeys, again: Callable[[], LocalKeys]
) -> None:
    first = keys.wrapping([ANN, BOB, ACME])

    assert len({key.id for key in first.values()} | {k.secret.hex() for k in first.values()}) == 6
    assert keys.wrapping([ACME, ANN, BOB]) == first
    assert again().wrapping([ANN, BOB, ACME]) == first
    assert again().id == keys.id
    assert keys.key(first[ANN].id) == first[ANN]


def test_the_same_name_in_another_tenant_is_another_person(keys: LocalKeys) -> None:
    found = keys.wrapping([ANN, Owner("other", ANN.subject)])

    assert len({key.id for key in found.values()}) == 2


def test_an_erased_key_is_gone_for_good_and_the_person_gets_a_new_one(
    keys: LocalKeys, again: Callable[[], LocalKeys]
) -> None:
    other = again()
    key = other.wrapping([ANN])[ANN]

    assert keys.erase(ANN, "asked") == key.id

    assert keys.key(key.id) is None
    assert other.key(key.id) is None
    assert other.wrapping([ANN])[ANN].id != key.id  # although it had the old one in memory


def test_no_trace_of_an_erased_person_is_left_in_the_files(keys: LocalKeys, tmp_path: Path) -> None:
    key = keys.wrapping([ANN, BOB])[ANN]
    (sealed,) = (
        sqlite3.connect(tmp_path / "keys/keys-1.sqlite")
        .execute("SELECT secret FROM keys WHERE id = ?", (key.id,))
        .fetchone()
    )
    keys.erase(ANN, "asked")

    left = b"".join(path.read_bytes() for path in (tmp_path / "keys").iterdir())
    name = str(ANN.subject).encode()
    assert sealed not in left
    for needle in (name, sha256(name).digest(), sha256(name).hexdigest().encode(), key.secret):
        assert needle not in left


def test_who_was_never_logged_cannot_be_erased(keys: LocalKeys) -> None:
    with pytest.raises(UnknownSubjectError, match="ce_subject"):
        keys.erase(ANN, "asked")
    assert keys.events(0) == []


def test_a_legal_hold_refuses_erasure_until_it_ends_and_all_of_it_is_recorded(
    keys: LocalKeys,
) -> None:
    key = keys.wrapping([ANN])[ANN]
    keys.hold(ANN, "lawsuit")

    with pytest.raises(HeldError, match="legal hold"):
        keys.erase(ANN, "asked")
    assert keys.key(key.id) == key

    keys.release(ANN, "settled")
    keys.erase(ANN, "asked")
    events = keys.events(0)
    assert [(e.number, e.type) for e in events] == [
        (0, HELD),
        (1, ERASURE_REFUSED),
        (2, RELEASED),
        (3, SHREDDED),
    ]
    assert {(e.tenant, e.subject_key) for e in events} == {("acme", key.id)}
    assert [e.detail["reason"] for e in events] == ["lawsuit", "asked", "settled", "asked"]
    assert list(keys.events(3)) == list(events[3:])


def test_a_hold_that_is_not_there_cannot_end(keys: LocalKeys) -> None:
    with pytest.raises(UnknownSubjectError, match="no legal hold"):
        keys.release(ANN, "settled")


def test_a_signing_key_is_made_once_and_followed_by_a_new_one(
    keys: LocalKeys, again: Callable[[], LocalKeys]
) -> None:
    (first,) = keys.signers("test/0")
    second = again().rotate_signer("test/0")

    assert [key.verifier() for key in keys.signers("test/0")] == [
        first.verifier(),
        second.verifier(),
    ]
    assert [(e.type, e.event_id) for e in keys.events(0)] == [
        (SIGNING_KEY_ROTATED, str(second.verifier()))
    ]
    assert keys.signers("test/1")[0].verifier() != first.verifier()


def test_another_master_key_opens_nothing(keys: LocalKeys, tmp_path: Path) -> None:
    keys.wrapping([ANN])

    with pytest.raises(MasterKeyError, match="another master key"):
        LocalKeys(tmp_path / "keys", bytes([1]) * 32)


def test_after_a_rotation_only_the_new_master_key_opens_the_same_keys(
    keys: LocalKeys, tmp_path: Path
) -> None:
    before = keys.wrapping([ANN, BOB])
    signer = keys.signers("test/0")[0].verifier()
    keys.hold(ANN, "lawsuit")
    new = os.urandom(32)

    keys.rotate_master(new)

    assert keys.wrapping([ANN]) == {ANN: before[ANN]}
    with pytest.raises(MasterKeyError):
        LocalKeys(tmp_path / "keys", MASTER)
    other = LocalKeys(tmp_path / "keys", new)
    assert other.wrapping([ANN, BOB]) == before
    assert other.signers("test/0")[0].verifier() == signer
    assert [event.detail for event in other.events(0)] == [{"reason": "lawsuit"}]
    other.close()


def test_only_its_owner_may_read_the_keys(keys: LocalKeys, tmp_path: Path) -> None:
    keys.wrapping([ANN])

    folder = tmp_path / "keys"
    assert all(path.stat().st_mode & 0o077 == 0 for path in [folder, *folder.iterdir()])
