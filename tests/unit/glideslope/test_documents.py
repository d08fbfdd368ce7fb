from pathlib import Path

import pytest

from glideslope.documents import (
    NothingToIndexError,
    SameNameError,
    TooLargeError,
    UnreadableFileError,
    UnsupportedTypeError,
    find,
    load,
    title_of,
)


def write(path: Path, text: str = "text") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_folders_are_searched_and_other_types_are_counted(tmp_path: Path) -> None:
    write(tmp_path / "a.md")
    write(tmp_path / "deep" / "er" / "B.TXT")
    write(tmp_path / "deep" / "c.pdf")
    write(tmp_path / ".git" / "d.txt")

    found = find([tmp_path])

    assert found.files == {
        "a.md": tmp_path / "a.md",
        "deep/er/B.TXT": tmp_path / "deep" / "er" / "B.TXT",
    }
    assert found.skipped == 1


def test_a_hidden_folder_that_is_named_itself_is_searched(tmp_path: Path) -> None:
    write(tmp_path / ".notes" / "a.md")

    assert list(find([tmp_path / ".notes"]).files) == ["a.md"]


def test_a_file_that_is_named_has_its_name_as_id(tmp_path: Path) -> None:
    path = write(tmp_path / "deep" / "a.md")

    assert find([path]).files == {"a.md": path}


def test_a_named_file_of_another_type_is_an_error_that_names_what_is_supported(
    tmp_path: Path,
) -> None:
    with pytest.raises(UnsupportedTypeError, match=r"a\.pdf: only \.md and \.txt"):
        find([write(tmp_path / "a.pdf")])


def test_two_files_never_become_one_document(tmp_path: Path) -> None:
    one = write(tmp_path / "one" / "a.md")
    two = write(tmp_path / "two" / "a.md")

    with pytest.raises(SameNameError, match="both be document"):
        find([one.parent, two.parent])


def test_one_file_named_twice_is_one_document(tmp_path: Path) -> None:
    path = write(tmp_path / "a.md")

    assert find([path, tmp_path]).files == {"a.md": path}


def test_a_folder_without_documents_is_an_error(tmp_path: Path) -> None:
    write(tmp_path / "a.pdf")

    with pytest.raises(NothingToIndexError, match=r"no \.md or \.txt file"):
        find([tmp_path])


@pytest.mark.parametrize(
    ("name", "text", "title"),
    [
        ("a.md", "intro\n\n## The policy ##\n# Later", "The policy"),
        ("a.md", "#hashtag\n####### seven\n", "a.md"),
        ("a.md", "#\n# \n# Real", "Real"),
        ("a.md", "", "a.md"),
        ("a.txt", "# not a heading here", "a.txt"),
    ],
)
def test_the_title_is_the_first_heading_or_the_file_s_name(
    name: str, text: str, title: str
) -> None:
    assert title_of(Path("folder") / name, text) == title


def test_a_document_carries_text_title_and_groups(tmp_path: Path) -> None:
    path = write(tmp_path / "a.md", "\ufeff# Größe\ntext")

    document = load("x/a.md", path, groups=("desk",))

    assert (document.document_id, document.title, document.groups) == ("x/a.md", "Größe", ("desk",))
    assert document.text == "# Größe\ntext"


def test_a_file_that_is_not_utf_8_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"\xff\xfe\x00")

    with pytest.raises(UnreadableFileError, match="iconv"):
        load("a.txt", path)


def test_a_document_larger_than_a_record_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(TooLargeError, match="split it"):
        load("a.txt", write(tmp_path / "a.txt", "x" * 1024 * 1024))
