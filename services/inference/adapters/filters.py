"""Which points a search may see, and which are a document's: one wording for both Qdrants.

So are the names of a point's vectors, and how many points are written at once.

Qdrant Edge and a Qdrant server have the same filters under types of their own; a `Dialect` is how
one of them builds these.
"""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from services.inference.index import version_of, visible_to
from shared.events import DocumentAccepted

SPARSE: Final = "bm25"
DENSE: Final = "dense"
BATCH: Final = 256


class Dialect(Protocol):
    """How conditions and filters are built."""

    def equal(self, field: str, value: str) -> Any:
        """Return the condition that a field has the value, or has it among others."""

    def among(self, field: str, values: Sequence[str]) -> Any:
        """Return the condition that a field has one of the values."""

    def after(self, field: str, moment: float) -> Any:
        """Return the condition that a field holds a later time, in seconds since 1970."""

    def has_vector(self, name: str) -> Any:
        """Return the condition that a point has a vector of that name."""

    def all_of(self, conditions: Sequence[Any], *, but: Sequence[Any] = ()) -> Any:
        """Return the filter that all of the conditions, and none of `but`, hold."""


@dataclass(frozen=True, slots=True)
class Filters:
    """The filters of an index, in its dialect."""

    dialect: Dialect

    def visible(self, tenant: str, groups: Iterable[str]) -> Any:
        """Return what the tenant's principal in these groups may see, and is valid by now."""
        return self.dialect.all_of(
            [
                self.dialect.equal("tenant", tenant),
                self.dialect.among("groups", visible_to(groups)),
            ],
            but=[self.dialect.after("valid_from", time.time())],
        )

    def document(self, tenant: str, document_id: str) -> Any:
        """Return all that is of a document."""
        return self.dialect.all_of(self._of(tenant, document_id))

    def other_versions(self, document: DocumentAccepted) -> Any:
        """Return what is of the document, but not of this version of it."""
        return self.dialect.all_of(
            self._of(document.tenant, document.document_id),
            but=[self.dialect.equal("version", version_of(document))],
        )

    def this_version(self, document: DocumentAccepted, *, with_vector: str | None = None) -> Any:
        """Return what is of this version of the document, `with_vector` of that name if given."""
        return self.dialect.all_of(
            [
                *self._of(document.tenant, document.document_id),
                self.dialect.equal("version", version_of(document)),
                *([self.dialect.has_vector(with_vector)] if with_vector else []),
            ]
        )

    def _of(self, tenant: str, document_id: str) -> list[Any]:
        return [
            self.dialect.equal("tenant", tenant),
            self.dialect.equal("document", document_id),
        ]
