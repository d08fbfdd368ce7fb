"""Where the passages of accepted documents are found again, by those who may see them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol
from uuid import UUID, uuid5

from services.inference.bm25 import SparseVector, passage_vector
from shared.cloudevents import NAMESPACE
from shared.events import EVERYONE, DocumentAccepted, Passage

Vector = Sequence[float]
"""A dense vector, of the length that the index was made for."""

FUSION_K: Final = 60
"""k of reciprocal rank fusion, as in Cormack, Clarke and Büttcher (2009): each search gives a
passage 1 / (k + rank), and the sums order them."""
_FUSION_DEPTH: Final = 100
"""From how far down each search the fusion takes passages, at least."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where the record of a document's state stands in `documents.accepted`."""

    partition: int = 0
    offset: int = 0


BEGINNING: Final = Position()


@dataclass(frozen=True, slots=True)
class Found:
    """A passage and how well it matches; scores compare within one search only."""

    passage: Passage
    score: float


class Index(Protocol):
    """A search index. Its calls block: from a loop, go through `asyncio.to_thread`."""

    def replace(self, document: DocumentAccepted, at: Position = BEGINNING) -> None:
        """Make the document's passages, and only those, findable by their words.

        The new passages are written first, then the others of the document are deleted by their
        version. So there is no moment without the document, and after a crash between the two
        steps a repetition, which the follower makes at its start, deletes what is left over.
        A document that is there at this version keeps the vectors that it has.

        `at` is where its record stands. Where several processes write one index, the state that
        stands later holds, whoever writes last; where one does, it is not looked at.
        """

    def remove(self, tenant: str, document_id: str, at: Position = BEGINNING) -> None:
        """Make the document unfindable; nothing happens when it is not there. `at` as above."""

    def lacks_vectors(self, document: DocumentAccepted) -> bool:
        """Whether the document is there at this version, with passages that have no vector."""

    def add_vectors(self, document: DocumentAccepted, vectors: Sequence[Vector]) -> None:
        """Make the document's passages findable by these vectors, one for each, too.

        Nothing happens when the document is gone, or has been replaced, meanwhile.
        """

    def search(
        self,
        question: str,
        *,
        tenant: str,
        groups: Iterable[str],
        limit: int,
        vector: Vector | None = None,
    ) -> list[Found]:
        """Return the tenant's passages that match best, the best first.

        With the question's `vector`, what BM25 finds and what is nearest to it are fused by
        reciprocal rank; without, BM25 decides alone. Only passages of documents that one of the
        `groups`, or everyone, may see, and that are valid by now; word statistics and ranks come
        from those alone too, so not even a rank tells of the others.
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
            id=id_,
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
        for id_, passage in zip(ids(document), document.passages, strict=True)
    ]


def ids(document: DocumentAccepted) -> list[UUID]:
    """Return the ids of the document's index entries."""
    return [
        derived(document.tenant, document.document_id, passage.id) for passage in document.passages
    ]


def version_of(document: DocumentAccepted) -> str:
    """Return what tells this content of the document from any other."""
    return str(derived(document.model_dump_json()))


def in_force(document: DocumentAccepted) -> dict[str, object]:
    """Return what an entry says of when it may be found, in seconds since 1970; always: nothing."""
    return {"valid_from": document.valid_from.timestamp()} if document.valid_from else {}


def visible_to(groups: Iterable[str]) -> list[str]:
    """Return the groups whose documents a principal may see: its own, and everyone's."""
    return sorted({*groups, EVERYONE})


def fusion_depth(limit: int) -> int:
    """Return how many passages of each search are fused into `limit`."""
    return max(_FUSION_DEPTH, 2 * limit)


def ranked(found: Iterable[Found]) -> list[Found]:
    """Return the best first; equal scores in the order of the documents' ids and passages'."""
    return sorted(
        found, key=lambda hit: (-_rounded(hit.score), hit.passage.document_id, hit.passage.id)
    )


def _rounded(score: float) -> float:
    """Return the score to six digits, since implementations differ in the last ones."""
    return float(f"{score:.6g}")


def derived(*parts: str) -> UUID:
    """Return the id that these parts, in this order and this number, always have."""
    # the length before each part keeps ('a', 'bc') and ('ab', 'c') apart
    return uuid5(NAMESPACE, "".join(f"{len(part)}:{part}" for part in parts))
