"""Everybody who connects to Kafka, and the least rights that each can live on.

A service's rights follow from what it declares in its `app.py`: what it consumes and publishes,
what it reads besides, and the groups under which it leaves offsets besides. The roles of people and
foreign systems are stated here, in terms of topics.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from glideslope.access.rights import Kind, Operation, Principal, Right
from glideslope.declarations import Declaration, found
from shared import topics
from shared.settings import Settings
from shared.topics import Topic


class UnknownRoleError(ValueError):
    """Nobody of this name connects to Kafka."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        super().__init__(f"there is no {name!r}: it is one of {', '.join(known)}")


@dataclass(frozen=True)
class Role:
    """Who is no service. `groups` and `writers` are beginnings of names, after the topic prefix.

    Groups in `watched` and topics in `sizes` are only looked at. `creates` is for topics, and how
    they are configured.
    """

    name: str
    about: str
    reads: tuple[Topic, ...] = ()
    writes: tuple[Topic, ...] = ()
    creates: tuple[Topic, ...] = ()
    configurations: tuple[Topic, ...] = ()
    sizes: tuple[Topic, ...] = ()
    groups: tuple[str, ...] = ()
    watched: tuple[str, ...] = ()
    writers: tuple[str, ...] = ()


_NEVER_REDRIVEN: Final = (
    topics.RESULTS,  # audit's alone
    topics.DEAD_LETTERS,
    topics.OPERATIONS,
    topics.RELEASES,
    topics.ROUTING,
    *topics.RETRIES.values(),
)
_WATCHED: Final = tuple(topics.RETRIES)  # what a service leaves offsets under begins with its name

ROLES: Final = (
    Role(
        "asker",
        "a foreign system that asks: it publishes requests and gets results, and nothing else",
        reads=(topics.RESULTS,),
        writes=(topics.REQUESTS,),
        groups=("asker",),
    ),
    Role(
        "reader",
        "a foreign system that gets results",
        reads=(topics.RESULTS,),
        groups=("reader",),
    ),
    Role(
        "supplier",
        "a foreign system that publishes documents, and hears which were rejected",
        reads=(topics.DOCUMENTS_REJECTED,),
        writes=(topics.DOCUMENTS,),
        groups=("supplier",),
    ),
    Role(
        "rater",
        "a foreign system that publishes feedback on results, and hears which was rejected",
        reads=(topics.FEEDBACK_REJECTED,),
        writes=(topics.FEEDBACK,),
        groups=("rater",),
    ),
    Role(
        "installer",
        "`glideslope topics create`: creates topics, compares existing ones, registers the "
        "built-in release",
        reads=(topics.RELEASES,),
        writes=(topics.RELEASES,),
        creates=topics.ALL,
        configurations=topics.ALL,
    ),
    Role(
        "operator",
        "`glideslope status`, `ask`, `index`, `dlq list` and `dlq show`: sees everything, asks and "
        "publishes documents as anybody may",
        reads=topics.ALL,
        writes=(topics.REQUESTS, topics.DOCUMENTS, topics.OPERATIONS),
        watched=_WATCHED,
    ),
    Role(
        "redriver",
        "`glideslope dlq redrive`: sends dead letters back to where they came from, so it can "
        "write what services read; for the time of a redrive",
        reads=(topics.DEAD_LETTERS, topics.OPERATIONS),
        writes=(*(t for t in topics.ALL if t not in _NEVER_REDRIVEN), topics.OPERATIONS),
        writers=("dlq.redrive-",),
    ),
    Role(
        "releaser",
        "`glideslope release`: registers, promotes and rolls back releases, and compares them by "
        "what became of requests, or of copies that it asks both to answer",
        reads=topics.ALL,
        writes=(topics.RELEASES, topics.ROUTING, topics.OPERATIONS, topics.SHADOWS_REQUESTED),
        writers=("releases-", "routing"),
    ),
    Role(
        "reviewer",
        "`glideslope review`: decides at a terminal what waits for a person; those who use the "
        "page need nothing of Kafka",
        reads=(topics.FALLBACK_REVIEW, topics.REVIEWS_DECIDED),
        writes=(topics.REVIEWS_DECIDED,),
        writers=("review-outbox-",),
    ),
    Role(
        "auditor",
        "`glideslope audit gaps` and whoever compares the log with the topics: reads everything, "
        "writes nothing",
        reads=topics.ALL,
        configurations=topics.ALL,
        groups=(),
        watched=("audit",),
    ),
    Role(
        "eraser",
        "`glideslope audit erase` and `review forget`: has documents and questions of a person "
        "forgotten; the key of their records it destroys where audit is",
        reads=(topics.DOCUMENTS_ACCEPTED, topics.DOCUMENTS_REJECTED),
        writes=(topics.DOCUMENTS, topics.SUBJECTS_ERASED),
        watched=_WATCHED,
    ),
    Role(
        "scaler",
        "KEDA, which adds replicas where a service lags: it looks at offsets, and reads no record",
        sizes=topics.ALL,
        watched=_WATCHED,
    ),
)

NAMES: Final = (*topics.RETRIES, *(role.name for role in ROLES))
"""Everybody's name, services first."""


def principals(settings: Settings) -> tuple[Principal, ...]:
    """Return everybody, services first, with the names that things have on the cluster."""
    names = _Names(settings)
    return (
        *(
            Principal(each.name, each.about, _sorted(names.of_service(each)), is_service=True)
            for each in found()
        ),
        *(Principal(each.name, each.about, _sorted(names.of_role(each))) for each in ROLES),
    )


def chosen(settings: Settings, only: Sequence[str], prefix: str) -> tuple[Principal, ...]:
    """Return everybody under `prefix` and their name; or those of `only`, `ROLE` or `ROLE=USER`.

    USER is a name as it is: several foreign systems may have one role. Raises `UnknownRoleError`.
    """
    everybody = {each.name: each for each in principals(settings)}
    found = []
    for each in only or everybody:
        role, _, user = each.partition("=")
        if role not in everybody:
            raise UnknownRoleError(role, everybody)
        found.append(everybody[role].called(user or f"{prefix}{role}"))
    return tuple(found)


class _Names:
    """Rights on the resources of one deployment."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._prefix = settings.topic_prefix

    def of_service(self, service: Declaration) -> Iterator[Right]:
        """Return what a service needs: see `shared.delivery` for the names."""
        retry = topics.RETRIES[service.name]
        yield from self._topics(Operation.READ, (*service.receives, *service.reads, retry))
        yield from self._topics(Operation.WRITE, (*service.sends, retry))
        yield Right(Kind.GROUP, f"{self._prefix}{service.name}", Operation.READ)
        yield from self._begin(Kind.GROUP, service.groups, Operation.READ)
        yield from self._begin(Kind.TRANSACTIONAL_ID, (f"{service.name}-",), Operation.WRITE)

    def of_role(self, role: Role) -> Iterator[Right]:
        """Return what a role needs."""
        yield from self._topics(Operation.READ, role.reads)
        yield from self._topics(Operation.WRITE, role.writes)
        for operation in (Operation.CREATE, Operation.DESCRIBE) if role.creates else ():
            yield from self._topics(operation, role.creates)
        yield from self._topics(Operation.DESCRIBE, role.sizes)
        yield from self._topics(Operation.DESCRIBE_CONFIGS, role.configurations)
        yield from self._begin(Kind.GROUP, role.groups, Operation.READ)
        yield from self._begin(Kind.GROUP, role.watched, Operation.DESCRIBE)
        yield from self._begin(Kind.TRANSACTIONAL_ID, role.writers, Operation.WRITE)

    def _topics(self, operation: Operation, some: Iterable[Topic]) -> Iterator[Right]:
        for topic in some:
            yield Right(Kind.TOPIC, self._settings.topic(topic), operation)

    def _begin(self, kind: Kind, names: Iterable[str], operation: Operation) -> Iterator[Right]:
        for name in names:
            yield Right(kind, f"{self._prefix}{name}", operation, is_prefix=True)


def _sorted(rights: Iterable[Right]) -> tuple[Right, ...]:
    return tuple(sorted(set(rights)))
