"""An index in this process: Qdrant Edge, Qdrant's own embedded shard.

A shard that an earlier process has left is taken over, with how far its readers had got; Qdrant's
write-ahead log brings back what a killed process wrote after that. One that cannot be loaded is
built anew.
"""

import os
import shutil
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

import qdrant_edge as qdrant
import structlog
from pydantic import TypeAdapter

from services.inference.adapters.filters import BATCH, DENSE, SPARSE, Filters
from services.inference.bm25 import SparseVector, question_vector
from services.inference.index import (
    BEGINNING,
    FUSION_K,
    Found,
    Position,
    Vector,
    entries,
    fusion_depth,
    ids,
    ranked,
)
from services.inference.store import Progress
from shared.events import DocumentAccepted, Passage

_SHARD: Final = "shard"
_STATE_FILE: Final = "state.json"
_PANIC: Final = "PanicException"
"""How Edge's Rust gives up; no `Exception`, and nowhere to be imported from."""

log = structlog.get_logger(__name__)


class _Dialect:
    """Implements `Dialect` for Qdrant Edge."""

    def equal(self, field: str, value: str) -> Any:
        return qdrant.FieldCondition(field, match=qdrant.MatchValue(value))

    def among(self, field: str, values: Sequence[str]) -> Any:
        return qdrant.FieldCondition(field, match=qdrant.MatchAny(list(values)))

    def after(self, field: str, moment: float) -> Any:
        return qdrant.FieldCondition(field, range=qdrant.RangeFloat(gt=moment))

    def has_vector(self, name: str) -> Any:
        return qdrant.HasVectorCondition(name)

    def all_of(self, conditions: Sequence[Any], *, but: Sequence[Any] = ()) -> Any:
        return qdrant.Filter(must=list(conditions), must_not=list(but))


_filters: Final = Filters(_Dialect())


@dataclass(slots=True)
class _State:
    """What is known of a shard beside what is in it; `points` is set while it is closed."""

    source: str | None = None
    points: int | None = None
    readers: dict[str, Progress] = field(default_factory=dict)


_STATE: Final = TypeAdapter(_State)


class TornError(Exception):
    """A shard that was closed has lost something since."""

    def __init__(self, points: int | None, found: int) -> None:
        super().__init__(f"the shard had {points} points and has {found}")


class EdgeIndex:
    """Implements `services.inference.store.KeptIndex` in `folder`; open from the start.

    `dimensions` is the length of its dense vectors, None for none. Safe to use from several
    threads.
    """

    def __init__(self, folder: Path, dimensions: int | None = None) -> None:
        self._folder = folder
        self._config = _config(dimensions)
        self._writing = threading.Lock()
        self._state = _State()
        self._shard: Any = self._load() or self._create()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the shard, once what is being written is; nothing happens the second time."""
        with self._writing:
            if self._shard is not None:
                self._shard.flush()
                self._state.points = self._shard.count(qdrant.CountRequest())
                self._keep_state()
                self._shard.close()
                self._shard = None

    @property
    def identity(self) -> str:
        """See `KeptIndex.identity`: the shard is this process's alone."""
        return str(self._folder)

    def adopt(self, source: str) -> None:
        """See `KeptIndex.adopt`."""
        if self._state.source == source:
            return
        if self._state.source is not None:
            log.warning("index_of_another_topic", folder=str(self._folder), built_from=source)
            self.reset()
        with self._writing:
            self._state.source = source
            self._keep_state()

    def progress(self, reader: str) -> Progress | None:
        """See `KeptIndex.progress`."""
        return self._state.readers.get(reader)

    def keep_progress(self, reader: str, progress: Progress) -> None:
        """See `KeptIndex.keep_progress`: the file is replaced once the shard is on disk."""
        with self._writing:
            if self._shard is not None:
                self._shard.flush()
                self._state.readers[reader] = progress
                self._keep_state()

    def reset(self) -> None:
        """See `KeptIndex.reset`."""
        with self._writing:
            self._shard.close()
            self._shard = self._create()

    def replace(self, document: DocumentAccepted, at: Position = BEGINNING) -> None:  # noqa: ARG002 - one reader writes, in order
        """See `Index.replace`."""
        with self._writing:
            if self._count(_filters.this_version(document)) != len({*ids(document)}):
                points = [
                    qdrant.Point(entry.id, {SPARSE: _sparse(entry.vector)}, entry.payload)
                    for entry in entries(document)
                ]
                for start in range(0, len(points), BATCH):
                    batch = points[start : start + BATCH]
                    self._shard.update(qdrant.UpdateOperation.upsert_points(batch))
            self._delete(_filters.other_versions(document))

    def remove(self, tenant: str, document_id: str, at: Position = BEGINNING) -> None:  # noqa: ARG002 - as above
        """See `Index.remove`."""
        with self._writing:
            self._delete(_filters.document(tenant, document_id))

    def lacks_vectors(self, document: DocumentAccepted) -> bool:
        """See `Index.lacks_vectors`."""
        with_vectors = self._count(_filters.this_version(document, with_vector=DENSE))
        return with_vectors < self._count(_filters.this_version(document))

    def add_vectors(self, document: DocumentAccepted, vectors: Sequence[Vector]) -> None:
        """See `Index.add_vectors`."""
        with self._writing:
            if not self.lacks_vectors(document):
                return
            points = [
                qdrant.PointVectors(id_, {DENSE: list(vector)})
                for id_, vector in zip(ids(document), vectors, strict=True)
            ]
            for start in range(0, len(points), BATCH):
                batch = points[start : start + BATCH]
                self._shard.update(qdrant.UpdateOperation.update_vectors(batch))

    def search(
        self,
        question: str,
        *,
        tenant: str,
        groups: Iterable[str],
        limit: int,
        vector: Vector | None = None,
    ) -> list[Found]:
        """See `Index.search`."""
        words = question_vector(question)
        if not words.indices and vector is None:
            return []
        visible = _filters.visible(tenant, groups)
        by_words = {
            "query": qdrant.Query.Nearest(_sparse(words), using=SPARSE),
            "filter": visible,
            "params": qdrant.SearchParams(idf=qdrant.IdfParams(corpus=visible)),
        }
        if vector is None:
            request = qdrant.QueryRequest(limit=limit, with_payload=["passage"], **by_words)
        else:
            depth = fusion_depth(limit)
            by_vector = qdrant.Query.Nearest(list(vector), using=DENSE)
            prefetches = [qdrant.Prefetch(limit=depth, query=by_vector, filter=visible)]
            if words.indices:
                prefetches.append(qdrant.Prefetch(limit=depth, **by_words))
            request = qdrant.QueryRequest(
                limit=limit,
                prefetches=prefetches,
                query=qdrant.Fusion.Rrf(k=FUSION_K),  # type: ignore[arg-type] # its stub has it nested
                with_payload=["passage"],
            )
        return ranked(
            Found(Passage.model_validate(hit.payload["passage"]), hit.score)
            for hit in self._shard.query(request)
            if hit.payload
        )

    def _count(self, filter_: Any) -> int:
        count: int = self._shard.count(qdrant.CountRequest(filter=filter_))
        return count

    def _delete(self, filter_: Any) -> None:
        self._shard.update(qdrant.UpdateOperation.delete_points_by_filter(filter_))

    def _load(self) -> Any:
        """Return the shard that is there, or None; nothing is left of one that cannot be used."""
        if not (self._folder / _SHARD).exists():
            return None
        try:
            self._state = _STATE.validate_json((self._folder / _STATE_FILE).read_bytes())
            shard = self._checked()
        except BaseException as error:
            if not isinstance(error, Exception) and type(error).__name__ != _PANIC:
                raise
            log.warning("index_torn", folder=str(self._folder), reason=str(error))
            return None
        self._state.points = None
        self._keep_state()
        return shard

    def _checked(self) -> Any:
        """Load the shard. Raises `TornError`, and whatever Edge raises."""
        shard = qdrant.EdgeShard.load(str(self._folder / _SHARD), self._config)
        found = shard.count(qdrant.CountRequest())
        if self._state.points not in {None, found}:
            shard.close()
            raise TornError(self._state.points, found)
        shard.optimize()  # what was deleted takes no more room
        return shard

    def _keep_state(self) -> None:
        new = self._folder / f"{_STATE_FILE}.new"
        with new.open("wb") as file:
            file.write(_STATE.dump_json(self._state))
            file.flush()
            os.fsync(file.fileno())
        new.replace(self._folder / _STATE_FILE)

    def _create(self) -> Any:
        self._state = _State()
        shutil.rmtree(self._folder, ignore_errors=True)
        (self._folder / _SHARD).mkdir(parents=True)
        shard = qdrant.EdgeShard.create(str(self._folder / _SHARD), self._config)
        for name in ("tenant", "groups", "document"):
            shard.update(
                qdrant.UpdateOperation.create_field_index(name, qdrant.PayloadSchemaType.Keyword)
            )
        shard.update(
            qdrant.UpdateOperation.create_field_index("valid_from", qdrant.PayloadSchemaType.Float)
        )
        return shard


def _config(dimensions: int | None) -> Any:
    dense = {}
    if dimensions is not None:
        dense = {DENSE: qdrant.EdgeVectorParams(size=dimensions, distance=qdrant.Distance.Cosine)}
    sparse = qdrant.EdgeSparseVectorParams(modifier=qdrant.Modifier.Idf)
    return qdrant.EdgeConfig(vectors=dense, sparse_vectors={SPARSE: sparse}, wal_enabled=True)


def _sparse(vector: SparseVector) -> qdrant.SparseVector:
    return qdrant.SparseVector(vector.indices, vector.values)
