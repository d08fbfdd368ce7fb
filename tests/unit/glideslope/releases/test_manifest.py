from pathlib import Path

import pytest

from glideslope.releases import manifest
from glideslope.terminal import CommandError
from shared.release import BUILT_IN, Budget

SHIPPED = Path(__file__).parents[4] / "releases"


def test_the_shipped_file_of_the_built_in_release_makes_that_release() -> None:
    found = manifest.read(SHIPPED / "built-in.yaml")
    assert found == BUILT_IN
    assert found.content_hash() == BUILT_IN.content_hash()


def test_every_shipped_file_is_a_release_of_its_own() -> None:
    names = [manifest.read(file).content_hash() for file in sorted(SHIPPED.glob("*.yaml"))]
    assert len(set(names)) == len(names) > 1


def test_what_is_shown_of_a_release_makes_it_again() -> None:
    release = BUILT_IN.model_copy(update={"name": "no", "budget": Budget(usd=1.5)})
    again = manifest.parse(manifest.as_yaml(release).encode(), Path("r.yaml"))
    assert again.content_hash() == release.content_hash()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (("passages: 6", "passages: 0"), "generator.passages: Input should be greater than"),
        (("name: built-in", "nam: built-in"), "name: Field required; nam: Extra inputs"),
        (("name: built-in", "name: 1.10"), "name: Input should be a valid string"),
        (("passages: 6", "passages: 6\n  passages: 7"), "line 8, is no YAML: found duplicate key"),
        (("passages: 6", "passages: [6"), "is no YAML"),
        (("passages: 6", "passages: .nan"), "is no release"),
        (("name: built-in", "name: 2026-01-01"), "is no release"),
    ],
)
def test_what_is_wrong_is_told_with_file_and_field(changed: tuple[str, str], said: str) -> None:
    text = (SHIPPED / "built-in.yaml").read_text().replace(*changed, 1)
    with pytest.raises(CommandError) as raised:
        manifest.parse(text.encode(), Path("mine.yaml"))
    assert str(raised.value).startswith("mine.yaml")
    assert said in str(raised.value)


@pytest.mark.parametrize("content", [b"", b"- 1", b"word", b"\xff\xfe\xff"])
def test_a_file_that_is_no_mapping_is_no_release(content: bytes) -> None:
    with pytest.raises(CommandError, match=r"mine\.yaml is no"):
        manifest.parse(content, Path("mine.yaml"))


def test_a_difference_is_named_by_the_path_of_its_field() -> None:
    other = manifest.read(SHIPPED / "brief.yaml")
    found = manifest.differences(BUILT_IN, other.model_copy(update={"budget": Budget(calls=3)}))
    assert found == {
        "name": ("built-in", "brief"),
        "generator.passages": (6, 3),
        "generator.sentences": (3, 1),
        "answer_max_characters": (4000, 600),
        "budget.calls": (None, 3),
        "budget.over": (None, "cheaper"),
    }
    assert manifest.differences(BUILT_IN, BUILT_IN) == {}
