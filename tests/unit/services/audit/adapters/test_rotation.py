from contextlib import closing
from pathlib import Path

import boto3
import pytest
from pydantic import SecretStr

from services.audit.adapters.keys import LocalKeys
from services.audit.adapters.rotation import rotate_master
from services.audit.adapters.stores import open_keys
from services.audit.settings import AuditSettings
from services.audit.tlog.blob import Key
from services.audit.tlog.keystore import KeyStoreError, MasterKeyError, Owner

ANN = Owner("acme", "ann")


@pytest.fixture
def settings(tmp_path: Path) -> AuditSettings:
    return AuditSettings(home=tmp_path)


def key_of(settings: AuditSettings) -> Key:
    with closing(open_keys(settings)) as keys:
        return keys.wrapping([ANN])[ANN]


def test_a_new_master_key_takes_the_place_of_the_one_in_the_file(settings: AuditSettings) -> None:
    before, file = key_of(settings), settings.master_key_file.read_bytes()

    assert rotate_master(settings) == 2  # the index key, and hers

    assert settings.master_key_file.read_bytes() != file
    assert key_of(settings) == before
    assert sorted(path.name for path in settings.keys_folder.glob("master*")) == ["master.key"]


@pytest.mark.parametrize("died_before", ["any key was under the new one", "the file was replaced"])
def test_a_rotation_that_was_interrupted_is_finished_by_the_next(
    settings: AuditSettings, monkeypatch: pytest.MonkeyPatch, died_before: str
) -> None:
    before = key_of(settings)
    with monkeypatch.context() as dying:
        if died_before == "the file was replaced":
            dying.setattr(Path, "replace", died)
        else:
            dying.setattr(LocalKeys, "rotate_master", died)
        with pytest.raises(InterruptedError):
            rotate_master(settings)

    rotate_master(settings)

    assert key_of(settings) == before


def died(*_: object) -> None:
    raise InterruptedError


def test_keys_move_to_kms_and_are_opened_by_the_setting(settings: AuditSettings, aws: str) -> None:
    before = key_of(settings)
    client = boto3.client("kms", endpoint_url=aws)
    key_id = client.create_key()["KeyMetadata"]["KeyId"]
    client.close()
    settings = settings.model_copy(update={"audit_keys_kms_endpoint": aws})

    rotate_master(settings, kms_key_id=key_id)

    in_kms = settings.model_copy(update={"audit_keys_kms_key_id": key_id})
    assert key_of(in_kms) == before
    with pytest.raises(MasterKeyError):
        open_keys(settings)
    rotate_master(in_kms, key_file=settings.master_key_file.with_name("another.key"))
    moved = settings.model_copy(
        update={"audit_master_key_file": settings.master_key_file.with_name("another.key")}
    )
    assert key_of(moved) == before


def test_a_master_key_in_the_environment_is_not_replaced_there(settings: AuditSettings) -> None:
    given = settings.model_copy(
        update={"audit_master_key": SecretStr("a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=")}
    )
    key_of(given)

    with pytest.raises(MasterKeyError, match="--key-file"):
        rotate_master(given)


def test_where_there_are_no_keys_there_is_nothing_to_rotate(settings: AuditSettings) -> None:
    with pytest.raises(KeyStoreError, match="nothing to rotate"):
        rotate_master(settings)
