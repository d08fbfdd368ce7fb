import base64
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from services.audit.adapters.keys import LocalKeys
from services.audit.adapters.master import master_key, new_master_key
from services.audit.tlog.keystore import MasterKeyError


def test_a_given_key_is_used_and_no_file_made(tmp_path: Path) -> None:
    key = os.urandom(32)
    path = tmp_path / "master.key"

    assert master_key(base64.b64encode(key).decode(), path, tmp_path, generate=True) == key
    assert not path.exists()


def test_a_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "keys/master.key"

    key = master_key(None, path, path.parent, generate=True)

    assert master_key(None, path, path.parent, generate=False) == key
    assert path.stat().st_mode & 0o777 == 0o600
    assert len(key) == 32
    assert [each.name for each in path.parent.iterdir()] == ["master.key"]


def test_of_many_that_make_a_key_at_once_under_one_process_number_all_have_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As containers do that share a volume: each of them is process 1."""
    path = tmp_path / "keys/master.key"
    all_have_written, link = Barrier(4), os.link

    def link_together(source: str, target: Path) -> None:
        all_have_written.wait(60)
        link(source, target)

    monkeypatch.setattr(os, "link", link_together)
    with ThreadPoolExecutor(4) as many:
        keys = set(many.map(new_master_key, [path] * 4))

    assert keys == {master_key(None, path, path.parent, generate=False)}
    assert [each.name for each in path.parent.iterdir()] == ["master.key"]
    assert path.stat().st_mode & 0o777 == 0o600


def test_no_key_is_made_where_that_is_forbidden(tmp_path: Path) -> None:
    with pytest.raises(MasterKeyError, match="put 32 random bytes"):
        master_key(None, tmp_path / "master.key", tmp_path, generate=False)


def test_no_key_is_made_beside_keys_that_another_one_encrypts(tmp_path: Path) -> None:
    LocalKeys(tmp_path, bytes(32)).close()

    with pytest.raises(MasterKeyError, match="the one that they were encrypted under"):
        master_key(None, tmp_path / "master.key", tmp_path, generate=True)


@pytest.mark.parametrize("given", ["", "?", base64.b64encode(bytes(31)).decode()])
def test_what_is_no_key_is_refused(tmp_path: Path, given: str) -> None:
    with pytest.raises(MasterKeyError):
        master_key(given, tmp_path / "master.key", tmp_path, generate=True)
