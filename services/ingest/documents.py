"""Is this document acceptable? If so it leaves cut into passages.

A document is known by tenant and document id. What is accepted is its whole newest state: an
update replaces it, a deletion leaves it without passages. Updates of one document must be sent
under one record key; records of different keys may overtake each other.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from services.ingest.arrival import Arrival
from services.ingest.objection import Code, Objection, check_counts, check_time, read, reference
from services.ingest.passages import Cut, split_pages, split_text
from services.ingest.text import LINE, LINES, PAGES, free_of, is_readable, normalised
from shared import topics
from shared.events import (
    EVERYONE,
    DocumentAccepted,
    DocumentRejected,
    DocumentSubmitted,
    Page,
    Passage,
)

TITLE_MAX_CHARACTERS: Final = 512
"""A document's title; every passage repeats it."""
PAGES_MAX: Final = 10_000
"""Pages of one document."""
GROUPS_MAX: Final = 1_000
"""Groups that may see one document."""
METADATA_MAX: Final = 64
"""Metadata entries of one document."""
METADATA_MAX_CHARACTERS: Final = 1_024
"""One metadata key or value."""
ACCEPTED_MAX_BYTES: Final = topics.DOCUMENTS_ACCEPTED.max_bytes - topics.DOCUMENTS.max_bytes
"""A document cut into passages, as JSON; leaves the record room for the sender's headers."""

_COUNTS: Final = {"pages": PAGES_MAX, "groups": GROUPS_MAX, "metadata": METADATA_MAX}
_VERSION_DIGITS: Final = 16
_BLANK_LINES: Final = re.compile(r"\n{3,}")


def acceptable(data: Any, arrival: Arrival, most_bytes: int) -> DocumentAccepted | DocumentRejected:
    """Decide on the data of one document; `most_bytes` bounds the record it came in.

    Takes about half a second of CPU for 1 MiB of prose, up to five for 1 MiB of empty paragraphs.
    """
    try:
        arrival.check(most_bytes)
        check_counts(data, _COUNTS)
        document = read(DocumentSubmitted, data)
        _check_names(document)
        if document.valid_from is not None:
            check_time(data, "valid_from")
        accepted = DocumentAccepted(
            document_id=document.document_id,
            tenant=arrival.tenant,
            title=document.title,
            groups=(EVERYONE,) if document.groups is None else document.groups,
            metadata=document.metadata,
            passages=() if document.deleted else tuple(passages(document)),
            version=None if document.deleted else version_of(document),
            valid_from=document.valid_from,
            deleted=document.deleted,
        )
        _check_size(accepted)
    except Objection as objection:
        return DocumentRejected(
            document_id=reference(data, "document_id"),
            code=objection.code,
            message=objection.message,
            field=objection.field,
        )
    return accepted


def key(document: DocumentAccepted | DocumentRejected) -> bytes | None:
    """Return the record key under which a newer state of the document replaces this one.

    A rejection replaces nothing: None, the sender's own key stays.
    """
    if isinstance(document, DocumentRejected):
        return None
    return f"{document.tenant}/{document.document_id}".encode()


def _check_names(document: DocumentSubmitted) -> None:
    free_of(LINE, document.document_id, "document_id")
    free_of(LINE, document.title, "title")
    free_of(LINE, document.version or "", "version")
    if len(document.title) > TITLE_MAX_CHARACTERS:
        raise Objection.too_long("title", TITLE_MAX_CHARACTERS)
    for index, group in enumerate(document.groups or ()):
        free_of(LINE, group, f"groups.{index}")
    for entry in document.metadata.items():
        for text in entry:
            free_of(LINES, text, "metadata")
            if len(text) > METADATA_MAX_CHARACTERS:
                raise Objection.too_long("metadata", METADATA_MAX_CHARACTERS)


def version_of(document: DocumentSubmitted) -> str:
    """Return the version that the sender names, else one that what the document says has alone."""
    if document.version is not None:
        return document.version
    said = document.model_dump_json(include={"title", "text", "pages"}).encode()
    return f"sha256:{hashlib.sha256(said).hexdigest()[:_VERSION_DIGITS]}"


def passages(document: DocumentSubmitted) -> Iterator[Passage]:
    """Yield the passages that a document is cut into. Raises `Objection` if there is no text."""
    version = version_of(document)
    cuts = [cut for cut in _cuts(document) if is_readable(cut.text)]
    if not cuts:
        field = "text" if document.pages is None else "pages"
        raise Objection(Code.EMPTY, f"`{field}` has nothing to read in it: send some text", field)
    for number, cut in enumerate(cuts, start=1):
        yield Passage(
            id=str(number),
            document_id=document.document_id,
            title=document.title,
            locator=cut.locator,
            text=cut.passage,
            version=version,
            valid_from=document.valid_from,
        )


def _cuts(document: DocumentSubmitted) -> Iterator[Cut]:
    if (document.text is None) == (document.pages is None):
        raise Objection(
            Code.TEXT_OR_PAGES,
            "send either `text` or `pages`, not both and not neither, or `deleted`: true",
        )
    if document.text is not None:
        return split_text(tidied(document.text, "text"), document.title)
    return split_pages((page.locator, text) for page, text in _checked_pages(document.pages or ()))


def _checked_pages(pages: Sequence[Page]) -> Iterator[tuple[Page, str]]:
    for index, page in enumerate(pages):
        free_of(LINE, page.locator, f"pages.{index}.locator")
        yield page, tidied(page.text, f"pages.{index}.text")


def tidied(text: str, field: str) -> str:
    """Return a document's text normalised, without blank line ends and repeated blank lines."""
    lines = normalised(text, field, PAGES).split("\n")
    return _BLANK_LINES.sub("\n\n", "\n".join(line.rstrip(" \t\xa0") for line in lines))


def _check_size(accepted: DocumentAccepted) -> None:
    size = len(accepted.model_dump_json().encode())
    if size > ACCEPTED_MAX_BYTES:
        raise Objection(
            Code.TOO_LARGE,
            f"the document's passages have {size:,} bytes, {ACCEPTED_MAX_BYTES:,} at most: "
            "send it as several documents",
        )
