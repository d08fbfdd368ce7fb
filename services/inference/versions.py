"""Which index a release is answered from: its index version."""

import hashlib
from dataclasses import dataclass
from typing import Any, Final

import rfc8785

from shared.delivery.errors import PermanentError
from shared.release import Release
from shared.retrieval import EmbedderParameters

ANALYZERS: Final = frozenset({"bm25-1"})
"""What this service knows how to weigh words by, as releases name it (`index_version`)."""
_NAME_DIGITS: Final = 12


class UnknownAnalyzerError(PermanentError):
    """A release asks for an index that this service does not know how to build."""

    def __init__(self, release: Release) -> None:
        super().__init__(
            f"release {release.name!r} has index_version {release.index_version!r}, which is not "
            f"among this service's ({', '.join(sorted(ANALYZERS))}): deploy a version that has "
            "it, then redrive the record"
        )


@dataclass(frozen=True, slots=True)
class IndexVersion:
    """How passages are cut, weighed and embedded. Releases that agree in it share an index."""

    analyzer: str
    embedder: EmbedderParameters | None = None

    @classmethod
    def of(cls, release: Release) -> "IndexVersion":
        """Return the index version of a release. Raises `UnknownAnalyzerError`."""
        if release.index_version not in ANALYZERS:
            raise UnknownAnalyzerError(release)
        return cls(release.index_version, release.embedder)

    @property
    def name(self) -> str:
        """A hash of what is stored, so of everything but how questions are put."""
        told: dict[str, Any] = {"analyzer": self.analyzer}
        if self.embedder is not None:
            told["embedder"] = self.embedder.model_dump(
                mode="json", exclude_none=True, exclude={"question_prefix"}
            )
        return hashlib.sha256(rfc8785.dumps(told)).hexdigest()[:_NAME_DIGITS]

    @property
    def dimensions(self) -> int | None:
        """Length of the vectors; None without."""
        return self.embedder.dimensions if self.embedder is not None else None
