"""Documents of this machine on their way into the index.

Errors that a person can do something about:

    DocumentError
    ├── NothingToIndexError    no file of a supported type
    ├── SameNameError          two files would become one document
    └── UnreadableFileError    this file cannot be sent, the others can
        └── UnsupportedTypeError   it is of no supported type
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from pydantic import ValidationError
from pydantic_core import to_json

from glideslope import reading
from glideslope.parts import fitting
from glideslope.reading import Reading, ReadingError
from shared.events import DocumentSubmitted

SUPPORTED: Final = reading.SUFFIXES
DIGEST: Final = "filedigest"
"""Extension attribute: what a document was made of, file and terms. The same need not be sent."""
PART: Final = "filepart"
"""Extension attribute of a document that is a part of a file: which, `2/3`."""
PART_OF: Final = "filepartof"
"""Extension attribute of the same: the document id that the file would have whole."""

_TITLE_MAX: Final = 512


class DocumentError(Exception):
    """Documents cannot be published as they are."""


class NothingToIndexError(DocumentError):
    """No file of a supported type was found."""

    def __init__(self, paths: Sequence[Path]) -> None:
        super().__init__(
            f"no {_alternatives()} file in {', '.join(map(str, paths))}: convert the documents to "
            "one of these"
        )


class SameNameError(DocumentError):
    """Two files would get the same document id."""

    def __init__(self, document_id: str, first: Path, second: Path) -> None:
        super().__init__(
            f"{first} and {second} would both be document {document_id!r}: index them separately "
            "from a folder above them, so that their relative paths differ"
        )


class UnreadableFileError(DocumentError):
    """A file cannot be sent; `reason` says what to do about it, without the file's name."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path} {reason}")
        self.reason = reason


class UnsupportedTypeError(UnreadableFileError):
    """A file that was named is of no type that can be read."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, f"is no {_alternatives()} file: convert it to one of these")


@dataclass(frozen=True, slots=True)
class Found:
    """What stands under some paths: files with their document ids, by suffix what was skipped."""

    files: Mapping[str, Path] = field(default_factory=dict)
    skipped: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Terms:
    """What is said of every document that is sent: who may see it, from when on, whose it is."""

    groups: tuple[str, ...] | None = None
    version: str | None = None
    valid_from: datetime | None = None
    subject: str | None = None
    """The person whose data it is: it goes when they are erased."""

    def digest(self, raw: bytes) -> str:
        """Return what tells a file under these terms from any other, in hex."""
        said = {
            "file": hashlib.sha256(raw).hexdigest(),
            "groups": self.groups and sorted(self.groups),
            "reader": reading.REVISION,
            "subject": self.subject,
            "valid_from": self.valid_from and self.valid_from.isoformat(),
            "version": self.version,
        }
        return hashlib.sha256(to_json(said)).hexdigest()


@dataclass(frozen=True, slots=True)
class Submission:
    """A document to be sent, and what its event says of it in its attributes."""

    document: DocumentSubmitted
    subject: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The document's id."""
        return self.document.document_id


@dataclass(frozen=True, slots=True)
class Loaded:
    """A file as it is sent: one document, or its parts; and what a person should know of it."""

    submissions: tuple[Submission, ...]
    notes: tuple[str, ...] = ()


def find(paths: Iterable[Path]) -> Found:
    """Find the supported files among `paths` and, recursively, in those that are folders.

    A document's id is its path relative to the folder that was named, with `/`; a file that was
    named itself has its name as id, whatever its type. Hidden files and folders are skipped
    without being counted. Raises `SameNameError` and `NothingToIndexError`.
    """
    paths = list(paths)
    files: dict[str, Path] = {}
    skipped: Counter[str] = Counter()
    for path in paths:
        for document_id, file in _under(path):
            suffix = file.suffix.lower()
            if suffix not in SUPPORTED and not path.is_file():
                skipped[suffix] += 1
            elif document_id in files and not files[document_id].samefile(file):
                raise SameNameError(document_id, files[document_id], file)
            else:
                files[document_id] = file
    if not files:
        raise NothingToIndexError(paths)
    return Found(files, dict(skipped))


def contents(path: Path) -> bytes:
    """Return a file's bytes. Raises `UnreadableFileError`, with what to do."""
    if path.suffix.lower() not in SUPPORTED:
        raise UnsupportedTypeError(path)
    try:
        return path.read_bytes()
    except OSError as error:
        said = f"cannot be opened ({error.strerror}): see to its permissions, or leave it out"
        raise UnreadableFileError(path, said) from error


def load(document_id: str, path: Path, raw: bytes, terms: Terms = Terms()) -> Loaded:
    """Make of a file's bytes the document that is sent, or its parts where it is too large.

    Its title is what the file says, else the file's name. A part has the id of the whole with
    `#1`, `#2`, … Raises `UnreadableFileError`.
    """
    try:
        found = reading.read(raw, path.suffix.lower())
    except ReadingError as error:
        raise UnreadableFileError(path, str(error)) from error
    try:
        whole = DocumentSubmitted(
            document_id=document_id,
            title=_title(found.title or path.name),
            groups=terms.groups,
            version=terms.version,
            valid_from=terms.valid_from,
        )
    except ValidationError as error:
        said = f"has a path that is no document id ({error.errors()[0]['msg']}): rename it"
        raise UnreadableFileError(path, said) from error
    try:
        parts = fitting(whole, found)
    except ReadingError as error:
        raise UnreadableFileError(path, str(error)) from error
    digest = {DIGEST: terms.digest(raw)}
    if len(parts) == 1:
        return Loaded((_submission(whole, found, terms, digest),), found.notes)
    submissions = tuple(
        _submission(
            whole.model_copy(update={"document_id": part_id(document_id, number)}),
            part,
            terms,
            {**digest, PART: f"{number}/{len(parts)}", PART_OF: document_id},
        )
        for number, part in enumerate(parts, start=1)
    )
    return Loaded(submissions, found.notes)


def deletion(document_id: str) -> Submission:
    """Return what removes a document."""
    return Submission(DocumentSubmitted(document_id=document_id, deleted=True))


def part_id(document_id: str, number: int) -> str:
    """Return the document id of a part of a file; the first has number 1."""
    return f"{document_id}#{number}"


def _title(text: str) -> str:
    """Return a title as ingest takes it: one line of it, without what is no text."""
    line = " ".join(text.split())
    return "".join(each for each in line if each.isprintable())[:_TITLE_MAX]


def _submission(
    document: DocumentSubmitted, found: Reading, terms: Terms, attributes: Mapping[str, str]
) -> Submission:
    filled = document.model_copy(update={"text": found.text, "pages": found.pages})
    return Submission(filled, terms.subject, attributes)


def _under(path: Path) -> Iterator[tuple[str, Path]]:
    if path.is_file():
        yield path.name, path
        return
    for file in sorted(path.rglob("*")):
        relative = file.relative_to(path)
        if file.is_file() and not any(part.startswith(".") for part in relative.parts):
            yield relative.as_posix(), file


def _alternatives() -> str:
    return f"{', '.join(SUPPORTED[:-1])} or {SUPPORTED[-1]}"
