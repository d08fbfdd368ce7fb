from datetime import UTC, datetime

import pytest

from glideslope.releases.registry import AmbiguousNameError, Registered, Registry, UnknownNameError
from shared.release import BUILT_IN


def registered(release: str, name: str) -> Registered:
    manifest = BUILT_IN.model_copy(update={"name": name})
    return Registered(release, manifest, datetime(2026, 1, 1, tzinfo=UTC))


KNOWN = Registry(
    {
        each.release: each
        for each in (
            registered("abcd" + "0" * 60, "first"),
            registered("abce" + "0" * 60, "second"),
            registered("1234" + "0" * 60, "second"),
            registered("5678" + "0" * 60, "abcd"),
        )
    }
)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("first", "abcd" + "0" * 60),
        ("abce", "abce" + "0" * 60),
        ("1234" + "0" * 60, "1234" + "0" * 60),
        ("abcd", "5678" + "0" * 60),  # a name goes before the beginning of a hash
    ],
)
def test_a_release_is_found_by_name_hash_or_the_beginning_of_its_hash(
    wanted: str, found: str
) -> None:
    assert KNOWN.find(wanted).release == found


def test_a_name_that_several_have_is_answered_with_their_hashes() -> None:
    with pytest.raises(AmbiguousNameError, match="abce00000000, 123400000000"):
        KNOWN.find("second")


@pytest.mark.parametrize("wanted", ["third", "abc", "", "ffff"])
def test_an_unknown_name_is_answered_with_those_that_there_are(wanted: str) -> None:
    with pytest.raises(UnknownNameError, match="abcd, first, second"):
        KNOWN.find(wanted)
