import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.audit.tlog.paths import (
    BadBundleError,
    BadPathError,
    Tile,
    bundle,
    bundles,
    index_path,
    split_bundle,
    tiles,
)


@pytest.mark.parametrize(
    ("index", "path"),
    [(0, "000"), (999, "999"), (1000, "x001/000"), (1234067, "x001/x234/067")],
)
def test_an_index_is_cut_into_groups_of_three_digits(index: int, path: str) -> None:
    assert index_path(index) == path


@given(st.none() | st.integers(0, 63), st.integers(0, 2**40), st.integers(1, 256))
def test_a_path_is_read_back(level: int | None, index: int, width: int) -> None:
    tile = Tile(level, index, width)

    assert Tile.of(tile.path) == tile


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/0",
        "tile/00/000",
        "tile/0/x000/001",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/1000",
        "tile/8/0/000",
        "tile/data/000",
    ],
)
def test_another_way_to_write_a_path_is_none(path: str) -> None:
    with pytest.raises(BadPathError):
        Tile.of(path)


def test_a_log_of_70000_entries_has_the_tiles_of_the_specification() -> None:
    found = [tile.path for tile in tiles(70_000)]

    assert found[272:] == [
        "tile/0/272",
        "tile/0/273.p/112",
        "tile/1/000",
        "tile/1/001.p/17",
        "tile/2/000.p/1",
    ]
    assert len(found) == 273 + 1 + 1 + 1 + 1


def test_a_log_of_256_entries_has_no_partial_tile_of_level_0() -> None:
    assert [tile.path for tile in tiles(256)] == ["tile/0/000", "tile/1/000.p/1"]
    assert [tile.path for tile in bundles(256)] == ["tile/entries/000"]


def test_growth_needs_only_the_tiles_at_the_right_edge() -> None:
    assert [tile.path for tile in tiles(70_001, since=70_000)] == ["tile/0/273.p/113"]
    assert [tile.path for tile in tiles(513, since=511)] == [
        "tile/0/001",
        "tile/0/002.p/1",
        "tile/1/000.p/2",
    ]


def test_an_empty_log_has_no_tiles() -> None:
    assert [*tiles(0), *bundles(0)] == []


@given(st.lists(st.binary(max_size=300)))
def test_a_bundle_is_split_into_its_entries(entries: list[bytes]) -> None:
    assert split_bundle(bundle(entries)) == entries


def test_an_entry_that_does_not_fit_a_bundle_is_refused() -> None:
    assert split_bundle(bundle([bytes(65_535)])) == [bytes(65_535)]
    with pytest.raises(BadBundleError):
        bundle([bytes(65_536)])


@pytest.mark.parametrize("data", [b"\x00", b"\x00\x02a", b"\x00\x01a\x00"])
def test_a_bundle_that_is_cut_short_is_refused(data: bytes) -> None:
    with pytest.raises(BadBundleError):
        split_bundle(data)
