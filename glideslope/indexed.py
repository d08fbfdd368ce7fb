"""What the topic `documents.accepted` holds: each document's newest state, for whoever asks.

It is the state that the index is built from, so it says from any machine what need not be sent
again, what belongs together, and whose it is.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from pydantic import BaseModel, ValidationError

from glideslope import cluster
from glideslope.documents import DIGEST, PART, PART_OF
from shared import cloudevents, topics
from shared.cloudevents import UnreadableError
from shared.settings import Settings


@dataclass(frozen=True, slots=True)
class Standing:
    """A document that is indexed, and what its event said of it."""

    document_id: str
    subject: str | None = None
    digest: str | None = None
    part: str | None = None
    part_of: str | None = None


class _Accepted(BaseModel):
    document_id: str
    tenant: str
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class Indexed:
    """A tenant's documents by their ids."""

    documents: Mapping[str, Standing]

    def of(self, document_id: str) -> list[Standing]:
        """Return the document with this id, and those that are its parts."""
        return [
            each
            for each in self.documents.values()
            if document_id in (each.document_id, each.part_of)
        ]

    def is_unchanged(self, document_id: str, digest: str) -> bool:
        """Say whether all that a file becomes is there, and was made of just this."""
        there = self.of(document_id)
        whole = {f"{number}/{len(there)}" for number in range(1, len(there) + 1)}
        as_it_is = {each.digest for each in there} == {digest}
        return as_it_is and ({each.part for each in there} in ({None}, whole))

    def left_over(self, document_id: str, sent: Iterable[str]) -> list[str]:
        """Return the ids of what a file became earlier and does not become any more."""
        sent = set(sent)
        return [each.document_id for each in self.of(document_id) if each.document_id not in sent]

    def about(self, subject: str) -> Iterator[str]:
        """Yield the ids of the documents that are a person's data."""
        return (each.document_id for each in self.documents.values() if each.subject == subject)


async def indexed(settings: Settings, tenant: str) -> Indexed:
    """Read what is indexed of a tenant. Raises `UnreachableError` and `TopicsMissingError`.

    What cannot be read as a document is not counted as one: it is sent again.
    """
    documents: dict[str, Standing] = {}
    async with cluster.reader(settings, topics.DOCUMENTS_ACCEPTED) as reader:
        async for _, record in reader.to_end():
            try:
                event = cloudevents.read(record.value, record.headers)
                accepted = _Accepted.model_validate_json(event.data)
            except (UnreadableError, ValidationError):
                continue
            if accepted.tenant != tenant:
                continue
            documents.pop(accepted.document_id, None)
            if not accepted.deleted:
                documents[accepted.document_id] = Standing(
                    accepted.document_id,
                    event.subject,
                    event.extensions.get(DIGEST),
                    event.extensions.get(PART),
                    event.extensions.get(PART_OF),
                )
    return Indexed(documents)
