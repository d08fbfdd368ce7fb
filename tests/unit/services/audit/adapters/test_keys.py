"""What every key store owes, under a master key of this machine and one in AWS KMS (moto's)."""

import asyncio
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import boto3
import pytest

from services.audit.adapters.keys import LocalKeys
from services.audit.adapters.kms import KmsError, KmsMaster
from services.audit.adapters.master import LocalMaster, Master
from services.audit.adapters.stores import Stores
from services.audit.entry import Entry, Position
from services.audit.group import GroupLog
from services.audit.settings import AuditSettings
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


NewMaster = Callable[[], Master]


@pytest.fixture(params=["local", "kms"])
def new_master(request: pytest.FixtureRequest) -> NewMaster:
    """Return a function that makes a master key, another one each time."""
    if request.param == "local":
        return lambda: LocalMaster(os.urandom(32))
    endpoint: str = request.getfixturevalue("aws")

    def make() -> Master:
        client = boto3.client("kms", endpoint_url=endpoint)
        key_id = client.create_key()["KeyMetadata"]["KeyId"]
        client.close()
        return KmsMaster(key_id, endpoint_url=endpoint)

    return make


@pytest.fixture
def master(new_master: NewMaster) -> Master:
    return new_master()


@pytest.fixture
def keys(tmp_path: Path, master: Master) -> Iterator[LocalKeys]:
    keys = LocalKeys(tmp_path / "keys", master)
    yield keys
    keys.close()


@pytest.fixture
def again(tmp_path: Path, master: Master) -> Iterator[Callable[[], LocalKeys]]:
    """Opens the store of `keys` once more, as another process would."""
    opened: list[LocalKeys] = []

    def open_() -> LocalKeys:
        opened.append(LocalKeys(tmp_path / "keys", master))
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
        LocalKeys(tmp_path / "keys", LocalMaster(os.urandom(32)))


def test_a_secret_that_was_moved_to_another_name_does_not_open(
    keys: LocalKeys, again: Callable[[], LocalKeys], tmp_path: Path
) -> None:
    found = keys.wrapping([ANN, BOB])
    ids = (found[ANN].id, found[BOB].id)
    with closing(sqlite3.connect(tmp_path / "keys/keys-1.sqlite")) as database:
        database.execute(
            "UPDATE keys SET secret = (SELECT secret FROM keys WHERE id = ?) WHERE id = ?", ids
        )
        database.commit()

    with pytest.raises(MasterKeyError):
        again().key(found[BOB].id)


def test_after_a_rotation_the_new_master_key_opens_the_same_keys(
    keys: LocalKeys, new_master: NewMaster, tmp_path: Path
) -> None:
    before = keys.wrapping([ANN, BOB])
    signer = keys.signers("test/0")[0].verifier()
    keys.hold(ANN, "lawsuit")
    new = new_master()
    sealed = secrets_of(tmp_path)

    assert keys.rotate_master(new) == len(sealed)

    assert not sealed & secrets_of(tmp_path)
    assert keys.wrapping([ANN]) == {ANN: before[ANN]}
    with closing(LocalKeys(tmp_path / "keys", new)) as other:
        assert other.wrapping([ANN, BOB]) == before
        assert other.signers("test/0")[0].verifier() == signer
        assert [event.detail for event in other.events(0)] == [{"reason": "lawsuit"}]


def test_after_a_rotation_the_old_master_key_of_a_machine_opens_nothing(tmp_path: Path) -> None:
    old, new = os.urandom(32), os.urandom(32)
    with closing(LocalKeys(tmp_path / "keys", old)) as keys:
        keys.rotate_master(new)
    with pytest.raises(MasterKeyError):
        LocalKeys(tmp_path / "keys", old)


def test_keys_move_from_a_master_key_of_this_machine_to_kms_and_back(
    aws: str, tmp_path: Path
) -> None:
    client = boto3.client("kms", endpoint_url=aws)
    kms = KmsMaster(client.create_key()["KeyMetadata"]["KeyId"], endpoint_url=aws)
    client.close()
    local = LocalMaster(os.urandom(32))
    with closing(LocalKeys(tmp_path / "keys", local)) as keys:
        before = keys.wrapping([ANN])
        for master in (kms, local):
            keys.rotate_master(master)
            with closing(LocalKeys(tmp_path / "keys", master)) as other:
                assert other.wrapping([ANN]) == before


def test_a_rotation_that_fails_changes_nothing(
    keys: LocalKeys, again: Callable[[], LocalKeys], aws: str
) -> None:
    before = keys.wrapping([ANN, BOB])
    keys.signers("test/0")

    with pytest.raises(KmsError, match="kms:GenerateDataKey"):
        keys.rotate_master(KmsMaster("no-such-key", endpoint_url=aws))

    assert keys.wrapping([ANN, BOB]) == before
    assert again().wrapping([ANN, BOB]) == before


def test_kms_is_told_which_secret_it_opens_and_nothing_of_the_person(
    aws: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = boto3.client("kms", endpoint_url=aws)
    kms = KmsMaster(client.create_key()["KeyMetadata"]["KeyId"], endpoint_url=aws)
    client.close()
    told: list[dict[str, object]] = []
    decrypt = kms._client.decrypt

    def listen(**said: object) -> object:
        told.append(said)
        return decrypt(**said)

    monkeypatch.setattr(kms._client, "decrypt", listen)
    with closing(LocalKeys(tmp_path / "keys", kms)) as keys:
        key = keys.wrapping([ANN])[ANN]
        told.clear()
        keys.key(key.id)
    assert [each["EncryptionContext"] for each in told] == [{"glideslope": key.id}]
    assert str(ANN.subject) not in repr(told)


def secrets_of(tmp_path: Path) -> set[bytes]:
    """Return every encrypted secret in the file."""
    with closing(sqlite3.connect(tmp_path / "keys/keys-1.sqlite")) as database:
        return {
            bytes(row[0])
            for column, table in (
                ("index_key", "store"),
                ("secret", "keys"),
                ("secret", "signers"),
                ("detail", "events"),
            )
            for row in database.execute(f"SELECT {column} FROM {table}")
        }


def test_only_its_owner_may_read_the_keys(keys: LocalKeys, tmp_path: Path) -> None:
    keys.wrapping([ANN])

    folder = tmp_path / "keys"
    assert all(path.stat().st_mode & 0o077 == 0 for path in [folder, *folder.iterdir()])


async def test_while_kms_refuses_its_key_audit_waits_and_then_goes_on(
    tmp_path: Path, aws: str
) -> None:
    client = boto3.client("kms", endpoint_url=aws)
    alias, key_id = "alias/audit-outage", client.create_key()["KeyMetadata"]["KeyId"]
    settings = AuditSettings(
        home=tmp_path, audit_keys_kms_key_id=alias, audit_keys_kms_endpoint=aws
    )
    stores = Stores(settings)
    log = await GroupLog(lambda: stores.open(0)).open()
    assert "kms:GenerateDataKey" in (log.problem or "")  # from the start
    appended = []
    for offset in (0, 1):
        header = ("ce_subject", b"person-%d" % offset)  # whose key is to be made
        entry = Entry(Position("c", "requests", 0, offset, 0), None, (header,), b"value")
        append = asyncio.create_task(log.append(entry))
        async with asyncio.timeout(10):
            while log.problem is None:  # noqa: ASYNC110 - readiness is asked, it tells nobody
                await asyncio.sleep(0.01)
        assert not append.done()
        client.create_alias(AliasName=alias, TargetKeyId=key_id)
        appended.append(await append)
        client.delete_alias(AliasName=alias)  # and again, at work
    await log.close()
    stores.close()
    client.close()

    assert [each.receipt.index for each in appended] == [0, 1]


async def test_while_the_key_store_cannot_be_opened_audit_waits(tmp_path: Path) -> None:
    in_the_way = tmp_path / "keys"
    in_the_way.write_text("no folder")
    stores = Stores(AuditSettings(home=tmp_path))
    log = await GroupLog(lambda: stores.open(0)).open()
    assert str(in_the_way) in (log.problem or "")

    in_the_way.unlink()
    entry = Entry(Position("c", "requests", 0, 0, 0), None, (), b"value")
    assert (await log.append(entry)).receipt.index == 0
    await log.close()
    stores.close()
