"""Documents of this machine on their way into the index.

Errors that a person can do something about:

    DocumentError
    ├── NothingToIndexError    no file of a supported type
    ├── UnsupportedTypeError   a file that was named is of no supported type
    ├── UnreadableFileError    not UTF-8 text
    ├── TooLargeError          does not fit into one record
    └── SameNameError          two files would become one document
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from shared import topics
from shared.events import DocumentSubmitted

SUPPORTED: Final = (".md", ".txt")
_ENVELOPE_BYTES: Final = 4 * 1024  # the record's headers and key, generously


class DocumentError(Exception):
    """Documents cannot be published as they are."""


class NothingToIndexError(DocumentError):
    """No file of a supported type was found."""

    def __init__(self, paths: Sequence[Path]) -> None:
        super().__init__(
            f"no {' or '.join(SUPPORTED)} file in {', '.join(map(str, paths))}: "
            "convert the documents to text first"
        )


class UnsupportedTypeError(DocumentError):
    """A file that was named cannot be read as text."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path}: only {' and '.join(SUPPORTED)} files are indexed; convert it to text first"
        )


class UnreadableFileError(DocumentError):
    """A file is not UTF-8 text."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} is not UTF-8 text: convert it (iconv -t UTF-8) or leave it out")


class TooLargeError(DocumentError):
    """A document does not fit into one record of the topic `documents`."""

    def __init__(self, path: Path, size: int) -> None:
        super().__init__(
            f"{path} makes a record of {size:,} bytes, the topic takes "
            f"{topics.DOCUMENTS.max_bytes:,}: split it into several files"
        )


class SameNameError(DocumentError):
    """Two files would get the same document id."""

    def __init__(self, document_id: str, first: Path, second: Path) -> None:
        super().__init__(
            f"{first} and {second} would both be document {document_id!r}: index them separately "
            "from a folder above them, so that their relative paths differ"
        )


@dataclass(frozen=True, slots=True)
class Found:
    """What stands under some paths: files with their document ids, and how many were skipped."""

    files: dict[str, Path]
    skipped: int


def find(paths: Iterable[Path]) -> Found:
    """Find the supported files among `paths` and, recursively, in those that are folders.

    A document's id is its path relative to the folder that was named, with `/`; a file that was
    named itself has its name as id. Hidden files and folders are skipped without being counted.
    Raises `UnsupportedTypeError`, `SameNameError` and `NothingToIndexError`.
    """
    paths = list(paths)
    files: dict[str, Path] = {}
    skipped = 0
    for path in paths:
        if path.is_file() and path.suffix.lower() not in SUPPORTED:
            raise UnsupportedTypeError(path)
        for document_id, file in _under(path):
            if file.suffix.lower() not in SUPPORTED:
                skipped += 1
            elif document_id in files and not files[document_id].samefile(file):
                raise SameNameError(document_id, files[document_id], file)
            else:
                files[document_id] = file
    if not files:
        raise NothingToIndexError(paths)
    return Found(files, skipped)


def load(
    document_id: str, path: Path, *, groups: tuple[str, ...] | None = None
) -> DocumentSubmitted:
    """Read one file as a document.

    Raises `UnreadableFileError` and `TooLargeError`.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableFileError(path) from error
    document = DocumentSubmitted(
        document_id=document_id, title=title_of(path, text), text=text, groups=groups
    )
    size = len(document.model_dump_json(exclude_none=True).encode()) + _ENVELOPE_BYTES
    if size > topics.DOCUMENTS.max_bytes:
        raise TooLargeError(path, size)
    return document


def title_of(path: Path, text: str) -> str:
    """Return a Markdown file's first heading, or else the file's name."""
    if path.suffix.lower() == ".md":
        for line in text.splitlines():
            level = len(line) - len(line.lstrip("#"))
            if 0 < level <= 6 and (title := line[level:].strip(" #")) and line[level] == " ":  # noqa: PLR2004 - headings have 1 to 6
                return title
    return path.name


def _under(path: Path) -> Iterator[tuple[str, Path]]:
    if path.is_file():
        yield path.name, path
        return
    for file in sorted(path.rglob("*")):
        relative = file.relative_to(path)
        if file.is_file() and not any(part.startswith(".") for part in relative.parts):
            yield relative.as_posix(), file
