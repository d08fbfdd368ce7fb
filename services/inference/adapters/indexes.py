"""The index versions that releases name, each built from `documents.accepted` and kept fresh by it.

A version is begun when a release that names it becomes known, beside those that are there. Its
words come first, then the vectors, behind them, so that a deletion never waits for an embedder.
Requests of its releases wait until it has caught up once; those of others do not notice.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import stamina
import structlog
from aiokafka.errors import KafkaError

from services.inference.adapters.documents import GROUP, DocumentReader, Received, Take
from services.inference.adapters.group import SHARED_GROUP, GroupMember
from services.inference.index import Index
from services.inference.models.embedding import Embedding
from services.inference.settings import InferenceSettings
from services.inference.store import KeptIndex, Store
from services.inference.vectors import DocumentVectors
from services.inference.versions import IndexVersion, UnknownAnalyzerError
from shared.delivery import FatalError, NotYetError, OverloadedError, PermanentError
from shared.metrics import INDEX_BUILDING, INDEX_UNEMBEDDED, Metrics
from shared.release import BUILT_IN, Release

_WITHIN_SECONDS: Final = 60.0  # a server may restart; one that stays away is a failure
_LOOK_OUT_SECONDS: Final = 2.0
_RETRY_SECONDS: Final = 1.0

_log = structlog.get_logger(__name__)


class KnownReleases(Protocol):
    """Where the releases are that indexes are kept for."""

    async def known(self) -> tuple[Release, ...]:
        """Return all of them, as of now."""


class StaleIndexError(FatalError):
    """An index follows the documents no longer; answers from it could be outdated."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(
            f"inference cannot follow documents.accepted ({type(error).__name__}: {error}): "
            "mend that, then start it again; it goes on where its index ends"
        )


class IndexBuildingError(NotYetError):
    """The index of a release is being built; its requests wait."""

    def __init__(self, version: str, trouble: str) -> None:
        super().__init__(
            f"index {version}",
            f"is being built{f' ({trouble})' if trouble else ''}",
            retry_after=_RETRY_SECONDS,
        )


class RetiredIndexError(PermanentError):
    """A request is pinned to a release whose index is kept no more."""

    def __init__(self, version: str) -> None:
        super().__init__(
            f"index {version} is in GLIDESLOPE_RETIRED_INDEXES: take it out, start inference "
            "again, then redrive the record"
        )


@dataclass(slots=True)
class _Kept:
    """One index version, as far as it is."""

    version: IndexVersion
    index: KeptIndex | None = None
    vectors: DocumentVectors | None = None
    findable: asyncio.Event = field(default_factory=asyncio.Event)
    is_complete: bool = False

    @property
    def trouble(self) -> str:
        """What its embedder says, while it does not embed."""
        return self.vectors.trouble if self.vectors else ""


class KeptIndexes:
    """Implements `services.inference.retrieval.Indexes` once it is entered (`following`)."""

    def __init__(self, settings: InferenceSettings, store: Store, embedding: Embedding) -> None:
        self._settings = settings
        self._store = store
        self._embedding = embedding
        self._retired = {*settings.retired_indexes} - {IndexVersion.of(BUILT_IN).name}
        self._kept: dict[str, _Kept] = {}
        self._at_start: frozenset[str] = frozenset()
        self._group: asyncio.TaskGroup | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._unknown: set[str] = set()

    def measured(self, metrics: Metrics) -> None:
        """Count in `metrics` from now on."""
        metrics.read_from(
            INDEX_BUILDING,
            lambda: {(name,): not kept.is_complete for name, kept in self._kept.copy().items()},
        )
        metrics.read_from(
            INDEX_UNEMBEDDED,
            lambda: {
                (name,): kept.vectors.refused
                for name, kept in self._kept.copy().items()
                if kept.vectors
            },
        )

    async def of(self, release: Release) -> Index:
        """See `Indexes.of`.

        Raises `IndexBuildingError`, and `RetiredIndexError` and `UnknownAnalyzerError` for good.
        """
        version = IndexVersion.of(release)
        if version.name in self._retired:
            raise RetiredIndexError(version.name)
        kept = self._kept.get(version.name) or self._begin(version)
        if kept.index is None or not kept.is_complete:
            raise IndexBuildingError(version.name, kept.trouble)
        return kept.index

    async def not_ready(self) -> str | None:
        """Return what is in the way, in a sentence: of the versions that were there at the start.

        One that comes later is built while the others answer.
        """
        building = [self._kept[name] for name in sorted(self._at_start)]
        errors = [
            str(IndexBuildingError(kept.version.name, kept.trouble))
            for kept in building
            if not kept.is_complete
        ]
        return "; ".join(errors) or None

    @asynccontextmanager
    async def following(self, releases: KnownReleases) -> AsyncIterator[None]:
        """Keep the indexes of all releases while the context lasts; entered when words are found.

        When that fails, whatever runs inside the context is cancelled, and the context ends with
        `StaleIndexError`: nobody goes on with an index that stands still.
        """
        with self._store:
            wanted = self._versions(await releases.known())
            dropped = await asyncio.to_thread(
                self._store.drop, retired=self._retired, used=[each.name for each in wanted]
            )
            if dropped:
                _log.info("indexes_dropped", versions=dropped)
            try:
                async with asyncio.TaskGroup() as group:
                    self._group = group
                    started = [self._begin(version) for version in wanted]
                    self._at_start = frozenset(self._kept)
                    for kept in started:
                        await kept.findable.wait()
                    self._start(self._look_out(releases))
                    yield
                    for task in self._tasks:
                        task.cancel()
            except BaseExceptionGroup as errors:
                raise _first(errors) from None
            finally:
                self._group = None

    def _versions(self, releases: Sequence[Release]) -> list[IndexVersion]:
        """Return what is not retired and can be built, each once."""
        versions: dict[str, IndexVersion] = {}
        for release in releases:
            try:
                version = IndexVersion.of(release)
            except UnknownAnalyzerError as error:
                if release.index_version not in self._unknown:
                    self._unknown.add(release.index_version)
                    _log.error("index_unknown", release=release.name, reason=str(error))
            else:
                if version.name not in self._retired:
                    versions[version.name] = version
        return list(versions.values())

    async def _look_out(self, releases: KnownReleases) -> None:
        """Begin the index of a release before the first request that is pinned to it, if it can."""
        while True:
            await asyncio.sleep(_LOOK_OUT_SECONDS)
            try:
                known = await releases.known()
            except KafkaError as error:
                _log.warning("releases_unread", kind=type(error).__name__)
                continue
            for version in self._versions(known):
                if version.name not in self._kept:
                    self._begin(version)

    def _begin(self, version: IndexVersion) -> _Kept:
        kept = self._kept[version.name] = _Kept(version)
        model = version.embedder.model if version.embedder else None
        _log.info("index_begun", version=version.name, analyzer=version.analyzer, embedder=model)
        self._start(self._keep(kept))
        return kept

    def _start(self, work: Coroutine[None, None, None]) -> None:
        if self._group is None:
            work.close()
            raise RuntimeError("no index is kept: use them inside `async with following()`")
        task = self._group.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _keep(self, kept: _Kept) -> None:
        try:
            await self._kept_fresh(kept)
        except Exception as error:
            reason = _first(error)
            _log.critical("index_stale", version=kept.version.name, kind=type(reason).__name__)
            raise StaleIndexError(reason) from error

    async def _kept_fresh(self, kept: _Kept) -> None:
        index = kept.index = await asyncio.to_thread(self._store.open, kept.version)
        embedder = kept.version.embedder
        group = SHARED_GROUP if self._store.is_shared else GROUP
        if embedder is not None:
            group = f"{group}.{kept.version.name}"
        words = self._reader("words", index, _words(index), group)
        async with words.opened():
            await words.catch_up()
            if embedder is None:
                self._complete(kept)
                kept.findable.set()
                await words.follow()
                return
            vectors = kept.vectors = DocumentVectors(
                index, embedder, self._embedding, seconds=self._settings.model_seconds
            )
            behind = self._reader(
                "vectors", index, _vectors(vectors), f"{group}.vectors", after=words
            )
            async with behind.opened(), asyncio.TaskGroup() as together:
                if behind.is_complete:  # as good as it was before the restart, and its words better
                    self._complete(kept)
                kept.findable.set()
                together.create_task(words.follow())
                await behind.catch_up()
                self._complete(kept)
                await behind.follow()

    def _reader(
        self, name: str, index: KeptIndex, take: Take, group: str, after: Any = None
    ) -> DocumentReader | GroupMember:
        """Return what reads for this process's index alone, or its share for a shared one."""
        reader = GroupMember if self._store.is_shared else DocumentReader
        return reader(self._settings, name, index, take, group=group, after=after)

    def _complete(self, kept: _Kept) -> None:
        if not kept.is_complete:
            kept.is_complete = True
            _log.info("index_complete", version=kept.version.name)


def _words(index: Index) -> Take:
    def apply(received: Received) -> None:
        document = received.document
        if document.deleted:
            index.remove(document.tenant, document.document_id, received.at)
        else:
            index.replace(document, received.at)

    async def take(documents: Sequence[Received]) -> None:
        for each in documents:
            await asyncio.to_thread(apply, each)

    return _retried(take)


def _vectors(vectors: DocumentVectors) -> Take:
    async def take(documents: Sequence[Received]) -> None:
        await vectors.add([each.document for each in documents])

    return _retried(take)


def _retried(take: Take) -> Take:
    """Return what repeats `take` while the index's server is away, for a while."""

    async def repeated(documents: Sequence[Received]) -> None:
        async for attempt in stamina.retry_context(
            on=OverloadedError, attempts=None, timeout=_WITHIN_SECONDS
        ):
            with attempt:
                await take(documents)

    return repeated


def _first(error: BaseException) -> BaseException:
    first = error
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    return first
