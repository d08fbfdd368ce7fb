from datetime import UTC, datetime
from pathlib import Path

import pytest

from glideslope.documents import (
    DIGEST,
    PART,
    PART_OF,
    Loaded,
    NothingToIndexError,
    SameNameError,
    Terms,
    UnreadableFileError,
    UnsupportedTypeError,
    contents,
    find,
    load,
)
from shared import topics


def write(path: Path, text: str = "text") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def loaded(path: Path, name: str = "a", terms: Terms | None = None) -> Loaded:
    return load(name, path, contents(path), terms or Terms())


def test_folders_are_searched_and_other_types_are_counted(tmp_path: Path) -> None:
    write(tmp_path / "a.md")
    write(tmp_path / "deep" / "er" / "B.TXT")
    write(tmp_path / "deep" / "c.xlsx")
    write(tmp_path / "deep" / "d.XLSX")
    write(tmp_path / ".git" / "d.txt")

    found = find([tmp_path])

    assert found.files == {
        "a.md": tmp_path / "a.md",
        "deep/er/B.TXT": tmp_path / "deep" / "er" / "B.TXT",
    }
    assert found.skipped == {".xlsx": 2}


def test_a_hidden_folder_that_is_named_itself_is_searched(tmp_path: Path) -> None:
    write(tmp_path / ".notes" / "a.md")

    assert list(find([tmp_path / ".notes"]).files) == ["a.md"]


def test_a_file_that_is_named_has_its_name_as_id(tmp_path: Path) -> None:
    path = write(tmp_path / "deep" / "a.md")

    assert find([path]).files == {"a.md": path}


def test_a_named_file_of_another_type_is_unreadable_and_told_what_can_be_read(
    tmp_path: Path,
) -> None:
    path = write(tmp_path / "a.xlsx")

    assert find([path]).files == {"a.xlsx": path}
    with pytest.raises(
        UnsupportedTypeError, match=r"a\.xlsx is no \.csv, .* or \.txt file: convert"
    ):
        contents(path)


def test_two_files_never_become_one_document(tmp_path: Path) -> None:
    one = write(tmp_path / "one" / "a.md")
    two = write(tmp_path / "two" / "a.md")

    with pytest.raises(SameNameError, match="both be document"):
        find([one.parent, two.parent])


def test_one_file_named_twice_is_one_document(tmp_path: Path) -> None:
    path = write(tmp_path / "a.md")

    assert find([path, tmp_path]).files == {"a.md": path}


def test_a_folder_without_documents_is_an_error(tmp_path: Path) -> None:
    write(tmp_path / "a.xlsx")

    with pytest.raises(NothingToIndexError, match=r"no \.csv, .* or \.txt file"):
        find([tmp_path])


def test_a_document_carries_what_its_file_and_the_terms_say(tmp_path: Path) -> None:
    path = write(tmp_path / "a.md", "\ufeff# Größe\ntext")
    from_then = datetime(2030, 1, 1, tzinfo=UTC)

    (submission,) = loaded(
        path, "x/a.md", Terms(("desk",), "rev 7", from_then, "anna@example.com")
    ).submissions

    document = submission.document
    assert (document.document_id, document.title, document.groups) == ("x/a.md", "Größe", ("desk",))
    assert document.text == "# Größe\ntext"
    assert (document.version, document.valid_from) == ("rev 7", from_then)
    assert submission.subject == "anna@example.com"


def test_the_title_is_the_file_s_name_where_it_says_none(tmp_path: Path) -> None:
    (submission,) = loaded(write(tmp_path / "limits 2024.txt")).submissions

    assert submission.document.title == "limits 2024.txt"


def test_the_digest_changes_with_the_file_and_with_each_of_the_terms(tmp_path: Path) -> None:
    path, same = write(tmp_path / "a.txt"), write(tmp_path / "b.txt")
    kinds = [
        Terms(),
        Terms(groups=()),
        Terms(groups=("a",)),
        Terms(version="1"),
        Terms(valid_from=datetime(2030, 1, 1, tzinfo=UTC)),
        Terms(subject="anna"),
    ]
    digests = [loaded(path, terms=terms).submissions[0].attributes[DIGEST] for terms in kinds]
    digests.append(loaded(write(path, "other")).submissions[0].attributes[DIGEST])

    assert len(set(digests)) == len(digests)
    assert loaded(same).submissions[0].attributes[DIGEST] == digests[0]
    assert Terms(groups=("a", "b")).digest(b"") == Terms(groups=("b", "a")).digest(b"")


def test_a_file_that_cannot_be_opened_is_an_error_that_says_why(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFileError, match="No such file or directory"):
        contents(tmp_path / "gone.txt")


def test_a_name_that_is_no_text_is_an_error(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt")

    with pytest.raises(UnreadableFileError, match="rename it"):
        load("\udcff.txt", path, b"text")
    with pytest.raises(UnreadableFileError, match="rename it"):
        load("x" * 513, path, b"text")


def sizes(found: Loaded) -> list[int]:
    return [
        len(each.document.model_dump_json(exclude_none=True).encode()) for each in found.submissions
    ]


def test_a_text_larger_than_a_record_becomes_parts_that_are_cut_between_paragraphs(
    tmp_path: Path,
) -> None:
    paragraphs = [f'Clause {number}: "{"ä" * 400}"' for number in range(5_000)]
    path = write(tmp_path / "a.txt", "\n\n".join(paragraphs))

    found = loaded(path, "big.txt", Terms(("desk",)))

    count = len(found.submissions)
    assert count > 1
    assert all(size < topics.DOCUMENTS.max_bytes for size in sizes(found))
    texts = [each.document.text or "" for each in found.submissions]
    assert "".join(texts) == path.read_text(encoding="utf-8")
    assert all(text.startswith("Clause ") for text in texts)
    assert [each.id for each in found.submissions] == [f"big.txt#{n + 1}" for n in range(count)]
    assert {each.document.groups for each in found.submissions} == {("desk",)}
    assert {each.attributes[PART_OF] for each in found.submissions} == {"big.txt"}
    assert found.submissions[0].attributes[PART] == f"1/{count}"


def test_many_pages_become_parts_between_pages(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "a,b\n" + "".join(f"{n},{'x' * 900}\n" for n in range(2_000)))

    found = loaded(path)

    pages = [page for each in found.submissions for page in each.document.pages or ()]
    assert [page.locator for page in pages] == [f"row {n}" for n in range(1, 2_001)]
    assert len(found.submissions) > 1
    assert all(size < topics.DOCUMENTS.max_bytes for size in sizes(found))


def test_what_cannot_be_cut_and_fits_into_no_record_is_refused_with_the_limit(
    tmp_path: Path,
) -> None:
    table = write(tmp_path / "a.md", "# T\n\n" + "| 1 | 2 |\n" * 110_000)
    with pytest.raises(UnreadableFileError, match=r"a table or paragraph .* 1,048,576: split it"):
        loaded(table)
    row = write(tmp_path / "a.csv", "a,b\n1,2\n3," + "x" * 1_100_000)
    with pytest.raises(UnreadableFileError, match=r"a page \(row"):
        loaded(row)
