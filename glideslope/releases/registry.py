"""The releases on the topic `releases`: registered, listed, and found by what people call them.

ReleaseError
├── UnknownNameError      no release has this name, nor a hash that begins so
└── AmbiguousNameError    several have
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal
from uuid import uuid4

from aiokafka import AIOKafkaProducer

from glideslope import cluster, operations
from glideslope.cluster import SOURCE
from shared import releases, topics
from shared.cloudevents import Event
from shared.events import OffsetRange, Operation, ReleaseRegistered
from shared.release import BUILT_IN, SHORT, Release
from shared.settings import Settings
from shared.topics import Topic

CREATE: Final = "release.create"
_PREFIX_AT_LEAST: Final = 4

State = Literal["registered", "known"]


class ReleaseError(Exception):
    """What was asked of the releases cannot be done."""


class UnknownNameError(ReleaseError):
    """No release is called so."""

    def __init__(self, wanted: str, known: Iterable["Registered"]) -> None:
        names = ", ".join(sorted({each.manifest.name for each in known}))
        super().__init__(
            f"no release is called {wanted!r}: give a name ({names}) or the first "
            f"{_PREFIX_AT_LEAST} digits of a hash or more, as `glideslope release list` has them; "
            "a new one is registered with `glideslope release create FILE`"
        )


class AmbiguousNameError(ReleaseError):
    """Several releases are called so."""

    def __init__(self, wanted: str, found: Sequence["Registered"]) -> None:
        hashes = ", ".join(each.release[:SHORT] for each in found)
        super().__init__(f"{len(found)} releases are called {wanted!r}: say which, {hashes}")


@dataclass(frozen=True, slots=True)
class Registered:
    """A release and when it was registered; None: built in, and on no topic."""

    release: str
    manifest: Release
    at: datetime | None

    @property
    def title(self) -> str:
        """What people are told: name and the beginning of the hash."""
        return f"{self.manifest.name} ({self.release[:SHORT]})"


class Registry:
    """The releases that are known, the newest last. `unreadable` are records that hold none."""

    def __init__(self, known: Mapping[str, Registered], unreadable: Sequence[str] = ()) -> None:
        self.known = known
        self.unreadable = unreadable

    def find(self, wanted: str) -> Registered:
        """Return the release of this name, hash, or beginning of a hash.

        Raises `UnknownNameError` and `AmbiguousNameError`.
        """
        if wanted in self.known:
            return self.known[wanted]
        found = [each for each in self.known.values() if each.manifest.name == wanted]
        if not found and len(wanted) >= _PREFIX_AT_LEAST:
            found = [each for each in self.known.values() if each.release.startswith(wanted)]
        if not found:
            raise UnknownNameError(wanted, self.known.values())
        if len(found) > 1:
            raise AmbiguousNameError(wanted, found)
        return found[0]

    def title(self, release: str) -> str:
        """Return what people are told of a release, known or not."""
        return self.known[release].title if release in self.known else release[:SHORT]


async def load(settings: Settings) -> Registry:
    """Read the releases. Raises `UnreachableError` and `TopicsMissingError`."""
    built_in = BUILT_IN.content_hash()
    known = {built_in: Registered(built_in, BUILT_IN, None)}
    unreadable = []
    async with cluster.reader(settings, topics.RELEASES) as reader:
        async for _, record in reader.to_end():
            try:
                found = releases.read(record)
            except (releases.UnreadableReleaseError, releases.MisnamedReleaseError) as error:
                unreadable.append(error.position)
                continue
            at = datetime.fromtimestamp(record.timestamp / 1000, UTC)
            known[found.release] = Registered(found.release, found.manifest, at)
    oldest = datetime.fromtimestamp(0, UTC)
    ordered = sorted(known.values(), key=lambda each: each.at or oldest)
    return Registry({each.release: each for each in ordered}, unreadable)


async def register(release: Release, settings: Settings) -> State:
    """Put a release on the topic `releases` under its content hash, unless it is there.

    Raises `UnreachableError` and `TopicsMissingError`.
    """
    name = release.content_hash()
    if await _is_registered(name, settings):
        return "known"
    async with cluster.producer(settings) as producer:
        await _send(producer, release, settings)
    return "registered"


async def create(
    manifests: Iterable[Release], settings: Settings, *, operator: str, reason: str
) -> list[State]:
    """Register releases for a person, and put on the record who did and why; all or none.

    Return for each whether it is new. Raises `UnreachableError` and `TopicsMissingError`.
    """
    known = (await load(settings)).known
    there = {name for name, each in known.items() if each.at is not None}
    states: list[State] = []
    written: dict[Topic, dict[int, int]] = {topics.RELEASES: {}, topics.OPERATIONS: {}}
    # of its own name: a registration has nobody to fence, and two of one release are alike
    writer = f"{settings.topic_prefix}releases-{uuid4()}"
    async with (
        cluster.producer(settings, transactional_id=writer) as producer,
        producer.transaction(),
    ):
        for release in manifests:
            name = release.content_hash()
            states.append("known" if name in there else "registered")
            if name in there:
                continue
            there.add(name)
            partition, offset = await _send(producer, release, settings)
            operation = Operation(
                operator=operator,
                action=CREATE,
                reason=reason,
                selection=name,
                topic=topics.RELEASES.name,
                offsets=(OffsetRange(first=offset, last=offset),),
            )
            written[topics.RELEASES][partition] = offset
            written[topics.OPERATIONS][partition] = await operations.publish(
                producer, operation, partition, settings
            )
    await cluster.await_committed(settings, written)
    return states


async def _is_registered(name: str, settings: Settings) -> bool:
    async with cluster.reader(settings, topics.RELEASES) as reader:
        async for _, record in reader.to_end():
            if record.key == name.encode() and record.value is not None:
                return True
    return False


async def _send(
    producer: AIOKafkaProducer, release: Release, settings: Settings
) -> tuple[int, int]:
    name = release.content_hash()
    event = Event(
        id=name,
        type=topics.RELEASES.event_type,
        source=SOURCE,
        data=ReleaseRegistered(release=name, manifest=release).model_dump_json().encode(),
        time=datetime.now(UTC).isoformat(),
    )
    sent = await producer.send_and_wait(
        settings.topic(topics.RELEASES),
        key=name.encode(),
        value=event.data,
        headers=event.headers(),
    )
    return sent.partition, sent.offset
