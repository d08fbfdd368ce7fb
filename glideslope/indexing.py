"""Documents published and followed until they can be found."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final
from uuid import uuid4

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from glideslope import cluster
from glideslope.cluster import SOURCE
from glideslope.documents import Submission
from glideslope.identity import origin
from glideslope.reader import Reader
from shared import cloudevents, topics
from shared.cloudevents import Event, UnreadableError, derived_id
from shared.delivery import Record
from shared.events import DocumentRejected, DocumentSubmitted
from shared.settings import Settings
from shared.topics import Topic

INDEX_GROUPS: Final = ("inference.documents", "inference.documents.shared")
"""The groups whose committed offsets on `documents.accepted` say what can be found.

The first is of processes that each have an index of their own, the second of all those that share
one on a server.
"""

_ASK_EVERY_SECONDS: Final = 0.2


@dataclass
class Progress:
    """Where the documents stand, by document id. `changed` is called when one moves.

    Of files that were looked at: `unchanged` are sent already, `unreadable` cannot be and say
    what to do, `notes` say what is wanting in one that could be read. Of what was published
    `to_delete` are deletions, and `absent` those of them that no document had the id of.
    """

    changed: Callable[[], None] = lambda: None
    unchanged: set[str] = field(default_factory=set)
    unreadable: dict[str, str] = field(default_factory=dict)
    notes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    to_delete: set[str] = field(default_factory=set)
    absent: set[str] = field(default_factory=set)
    published: set[str] = field(default_factory=set)
    accepted: dict[str, tuple[TopicPartition, int]] = field(default_factory=dict)
    rejected: dict[str, str] = field(default_factory=dict)
    indexed: set[str] = field(default_factory=set)

    @property
    def unjudged(self) -> set[str]:
        """Published, and neither accepted nor rejected yet."""
        return self.published - self.accepted.keys() - self.rejected.keys()

    @property
    def unindexed(self) -> set[str]:
        """Accepted, and not to be found yet."""
        return self.accepted.keys() - self.indexed - self.rejected.keys()

    @property
    def done(self) -> bool:
        """Whether every published document was rejected or can be found."""
        return not self.unjudged and not self.unindexed

    def passed(self, committed: Mapping[TopicPartition, int]) -> None:
        """Note how far the index has come: the next offset of each partition."""
        for document_id, (partition, offset) in self.accepted.items():
            if offset < committed.get(partition, 0):
                self.indexed.add(document_id)


def document_event(submission: Submission, *, tenant: str | None = None) -> Event:
    """Return the event that submits a document."""
    document = submission.document
    return Event(
        id=str(uuid4()),
        type=topics.DOCUMENTS.event_type,
        source=SOURCE,
        data=document.model_dump_json(exclude_none=True, exclude_defaults=True).encode(),
        time=datetime.now(UTC).isoformat(),
        subject=submission.subject,
        extensions={**({} if tenant is None else {"tenant": tenant}), **submission.attributes},
    )


async def publish(
    documents: Iterable[DocumentSubmitted],
    settings: Settings,
    progress: Progress,
    *,
    tenant: str | None = None,
    seconds: float | None = None,
) -> None:
    """Publish documents and wait until each is rejected or indexed, noting it in `progress`.

    `seconds` bounds the wait after the last was published; what is missing then is in `progress`.
    None does not wait. Raises `UnreachableError` and `TopicsMissingError`.
    """
    async with publication(settings, progress, tenant=tenant) as publishing:
        for document in documents:
            await publishing.send(Submission(document))
        if seconds is not None:
            await publishing.settled(seconds)


@asynccontextmanager
async def publication(
    settings: Settings, progress: Progress, *, tenant: str | None = None
) -> AsyncIterator["Publication"]:
    """Open what documents are published with, one by one. Raises as `publish` does."""
    follower = (topics.DOCUMENTS_ACCEPTED, topics.DOCUMENTS_REJECTED, topics.DEAD_LETTERS)
    async with (
        cluster.reader(settings, *follower, start="end") as reader,
        cluster.producer(settings) as producer,
        cluster.admin(settings) as admin,
    ):
        yield Publication(settings, progress, tenant, reader, producer, admin)


class Publication:
    """Documents on their way. What becomes of each is noted in `progress`."""

    def __init__(  # noqa: PLR0913, PLR0917 - what `publication` opens
        self,
        settings: Settings,
        progress: Progress,
        tenant: str | None,
        reader: Reader,
        producer: AIOKafkaProducer,
        admin: AIOKafkaAdminClient,
    ) -> None:
        self._settings = settings
        self._progress = progress
        self._tenant = tenant
        self._reader = reader
        self._producer = producer
        self._admin = admin
        self._awaited: dict[str, str] = {}
        """By the ids of the events that will tell what became of a document: its id."""

    async def send(self, submission: Submission) -> None:
        """Publish one document; it is in Kafka on return."""
        event = document_event(submission, tenant=self._tenant)
        await self._producer.send_and_wait(
            self._settings.topic(topics.DOCUMENTS),
            key=submission.id.encode(),
            value=event.data,
            headers=event.headers(),
        )
        ends = (topics.DOCUMENTS_ACCEPTED, topics.DOCUMENTS_REJECTED)
        ids = [event.id, *(derived_id(event.source, event.id, end.name) for end in ends)]
        self._awaited |= dict.fromkeys(ids, submission.id)
        self._progress.published.add(submission.id)
        self._progress.changed()

    async def settled(self, seconds: float) -> None:
        """Wait until each document is rejected or can be found, but no longer than this."""
        judging = asyncio.create_task(_judge(self._reader, self._awaited, self._progress))
        try:
            async with asyncio.timeout(seconds):
                await _until_indexed(self._admin, self._settings, self._progress, judging)
        except TimeoutError:
            return
        finally:
            judging.cancel()
            await asyncio.gather(judging, return_exceptions=True)


async def _judge(reader: Reader, awaited: Mapping[str, str], progress: Progress) -> None:
    """Note for ever what becomes of the documents; an accepted one may still fail in inference."""
    async for topic, record in reader.follow():
        document_id = awaited.get(_event_id(record))
        if document_id is None:
            continue
        if topic is topics.DOCUMENTS_ACCEPTED:
            progress.accepted[document_id] = (
                TopicPartition(record.topic, record.partition),
                record.offset,
            )
        else:
            progress.rejected[document_id] = _message(topic, record)
        progress.changed()


def _event_id(record: Record) -> str:
    try:
        return cloudevents.read(record.value, record.headers).id
    except UnreadableError:  # somebody else's dead letter
        return ""


def _message(topic: Topic, record: Record) -> str:
    if topic is topics.DEAD_LETTERS:
        came = origin(record)
        return f"became a dead letter of {came.service}, {came.code}: {came.reason}"
    rejected = DocumentRejected.model_validate_json(record.value or b"")
    return f"{rejected.code}: {rejected.message}"


async def _until_indexed(
    admin: AIOKafkaAdminClient,
    settings: Settings,
    progress: Progress,
    judging: "asyncio.Task[None]",
) -> None:
    while not progress.done:
        if judging.done():
            judging.result()
        for group in INDEX_GROUPS:
            try:
                offsets = await admin.list_consumer_group_offsets(f"{settings.topic_prefix}{group}")
            except KafkaError as error:
                if not error.retriable:  # a coordinator that is just being chosen is
                    raise
                offsets = {}
            progress.passed({partition: each.offset for partition, each in offsets.items()})
        progress.changed()
        await asyncio.sleep(_ASK_EVERY_SECONDS)
