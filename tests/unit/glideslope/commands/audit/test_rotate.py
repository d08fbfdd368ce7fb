"""`glideslope audit rotate`, and that the log and its verifier follow."""

import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from typer.testing import Result

from services.audit.adapters.stores import Stores
from services.audit.settings import AuditSettings

Append = Callable[[int], AuditSettings]
Run = Callable[..., Result]


def test_a_verifier_that_knows_the_first_signing_key_follows_to_the_new_one(
    append: Append, audit: Run
) -> None:
    append(3)
    [log] = json.loads(audit("verify", "--json").stdout)["logs"]
    [first] = log["keys"]
    rotated = audit("rotate", "signing")
    assert rotated.exit_code == 0, rotated.output
    append(3)

    checked = audit("verify", "--key", first, "--json")
    assert checked.exit_code == 0, checked.output
    [log] = json.loads(checked.stdout)["logs"]
    assert log["keys"] == [first, rotated.output.split()[0]]
    assert log["size"] == 7  # the rotation is an entry


def test_a_signing_key_of_a_running_audit_is_used_when_it_starts_again(
    append: Append, audit: Run
) -> None:
    settings = append(3)
    with closing(Stores(settings)) as stores, closing(stores.open(0)):
        rotated = audit("rotate", "signing")
    assert rotated.exit_code == 0, rotated.output
    assert "after a restart" in rotated.output
    append(1)
    [log] = json.loads(audit("verify", "--json").stdout)["logs"]
    assert (log["verdict"], len(log["keys"])) == ("intact", 2)


def test_a_new_master_key_touches_nothing_in_the_log(
    append: Append, audit: Run, home: Path
) -> None:
    append(3)
    before = {path: path.read_bytes() for path in (home / "audit/0").rglob("*") if path.is_file()}
    master = (home / "keys/master.key").read_bytes()

    assert audit("rotate", "master").exit_code == 0

    assert (home / "keys/master.key").read_bytes() != master
    assert before == {path: path.read_bytes() for path in before}
    assert "what Anna asked" in audit("show", "event-1").output


def test_where_there_are_no_keys_nothing_is_rotated(home: Path, audit: Run) -> None:
    for which in ("signing", "master"):
        result = audit("rotate", which)
        assert result.exit_code == 22
        assert "nothing to rotate" in result.output
    assert not (home / "keys").exists()


def test_options_of_the_master_key_are_wrong_with_signing_keys(home: Path, audit: Run) -> None:
    del home
    assert audit("rotate", "signing", "--kms-key-id", "a").exit_code == 2
