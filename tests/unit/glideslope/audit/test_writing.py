"""A log that is checked while it is written: what comes meanwhile is no finding."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from glideslope.audit.leftovers import judge_leftovers
from glideslope.audit.objects import FolderObjects
from glideslope.audit.verification import Verification
from services.audit.adapters.keys import LocalKeys
from services.audit.adapters.stores import open_store
from services.audit.entry import Entry, Position
from services.audit.tlog.paths import Tile, checkpoint_path

LATER = 3_600.0


@pytest.fixture
def keys(tmp_path: Path) -> Iterator[LocalKeys]:
    keys = LocalKeys(tmp_path / "keys", bytes(32))
    yield keys
    keys.close()


def append(log: Path, keys: LocalKeys, first: int, *ends: int) -> None:
    """Append entries from `first` on, up to each end."""
    store = open_store(log, "glideslope/0", keys)
    for end in ends:
        positions = (Position("c", "requests", 0, each, 0) for each in range(first, end))
        store.append([Entry(each, None, (), b"{}") for each in positions])
        first = end
    store.close()


def test_a_checkpoint_that_was_archived_after_the_journal_was_read_sets_nothing_back(
    tmp_path: Path, keys: LocalKeys
) -> None:
    log = tmp_path / "0"
    append(log, keys, 0, 200)
    store = open_store(log, "glideslope/0", keys, publish_seconds=LATER)
    store.append([Entry(Position("c", "requests", 0, 200, 0), None, (), b"{}")])
    objects = FolderObjects(log)  # entry 200 is in the journal alone
    store.close()
    append(log, keys, 201, 240, 300)
    assert (log / checkpoint_path(240)).exists()

    report = Verification(objects, key_reader=keys).run()

    assert report.findings == []
    assert report.size == 300


def test_a_tile_that_came_and_was_outgrown_during_a_check_is_no_leftover(
    tmp_path: Path, keys: LocalKeys
) -> None:
    log = tmp_path / "0"
    append(log, keys, 0, 200, 300, 600)
    came = Tile(1, 0, 1).path  # of 256 to 511 entries
    assert judge_leftovers(FolderObjects(log), {came}, 200) == []
    [finding] = judge_leftovers(FolderObjects(log), {Tile(1, 0, 3).path}, 200)
    assert finding.object == Tile(1, 0, 3).path  # it takes 768
