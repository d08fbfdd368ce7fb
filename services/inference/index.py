"""Where the passages of accepted documents are found again, by those who may see them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID, uuid5

from services.inference.bm25 import SparseVector, passage_vector
from shared.cloudevents import NAMESPACE
from shared.events import EVERYONE, DocumentAccepted, Passage


@dataclass(frozen=True, slots=True)
class Found:
    """A passage and how well it matches; scores compare within one search only."""

    passage: Passage
    score: float


class Index(Protocol):
    """A search index. Its calls block: from a loop, go through `asyncio.to_thread`."""

    def replace(self, document: DocumentAccepted) -> None:
        """Make the document's passages, and only those, findable.

        The new passages are written first, then the others of the document are deleted by their
        version. So there is no moment without the document, and after a crash between the two
        steps a repetition, which the follower makes at its start, deletes what is left over.
        """

    def remove(self, tenant: str, document_id: str) -> None:
        """Make the document unfindable; nothing happens when it is not there."""

    def search(
        self, question: str, *, tenant: str, groups: Iterable[str], limit: int
    ) -> list[Found]:
        """Return the tenant's passages that match best, the best first.

        Only passages of documents that one of the `groups`, or everyone, may see, and that are
        valid by now; word statistics come from those alone too, so not even a rank tells of the
        others.
        """


@dataclass(frozen=True, slots=True)
class Entry:
    """What an index stores of one passage, whatever the index."""

    id: UUID
    vector: SparseVector
    payload: dict[str, object]


def entries(document: DocumentAccepted) -> list[Entry]:
    """Return the document's index entries, each under an id that a repetition recreates."""
    version = version_of(document)
    return [
        Entry(
            id=_derived(document.tenant, document.document_id, passage.id),
            vector=passage_vector(passage.title or document.title, passage.text),
            payload={
                "tenant": document.tenant,
                "groups": list(document.groups),
                "document": document.document_id,
                "version": version,
                "passage": passage.model_dump(mode="json"),
                **in_force(document),
            },
        )
        for passage in document.passages
    ]


def version_of(document: DocumentAccepted) -> str:
    """Return what tells this content of the document from any other."""
    return str(_derived(document.model_dump_json()))


def in_force(document: DocumentAccepted) -> dict[str, object]:
    """Return what an entry says of when it may be found, in seconds since 1970; always: nothing."""
    return {"valid_from": document.valid_from.timestamp()} if document.valid_from else {}


def visible_to(groups: Iterable[str]) -> list[str]:
    """Return the groups whose documents a principal may see: its own, and everyone's."""
    return sorted({*groups, EVERYONE})


def ranked(found: Iterable[Found]) -> list[Found]:
    """Return the best first; equal scores in the order of the documents' ids and passages'."""
    return sorted(
        found, key=lambda hit: (-round(hit.score, 4), hit.passage.document_id, hit.passage.id)
    )


def _derived(*parts: str) -> UUID:
    # the length before each part keeps ('a', 'bc') and ('ab', 'c') apart
    return uuid5(NAMESPACE, "".join(f"{len(part)}:{part}" for part in parts))
