"""The tables of the queue, the same on SQLite and on PostgreSQL.

`migrations/` makes them; a test holds the two together.
"""

from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)

metadata: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
    }
)


class Moment(TypeDecorator[datetime]):
    """A point in time. SQLite keeps no offset, so there it is UTC by agreement."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Return the time as it is stored."""
        if value is None:
            return None
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the time with its offset."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


items: Final = Table(
    "items",
    metadata,
    # derived from the request's source and id, so one request has one item
    Column("id", String(36), primary_key=True),
    Column("request_source", Text, nullable=False),
    Column("request_id", Text, nullable=False),
    Column("tenant", Text, nullable=False),
    Column("person", String(64)),  # whose data it is, by a hash; NULL where nobody's
    Column("question", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("probability", Float, nullable=False),
    Column("risk", SmallInteger, nullable=False),
    Column("skill", Text),
    Column("status", String(16), nullable=False),
    Column("since", Moment, nullable=False),
    Column("soon", Moment, nullable=False),
    Column("due", Moment, nullable=False),
    Column("escalated", SmallInteger, nullable=False),  # place in `Alarm` of what was published
    Column("holder", Text),
    Column("token", Integer, nullable=False),
    Column("claimed_at", Moment),
    Column("lease_until", Moment),
    Column("assigned_to", Text),
    Column("snoozed_until", Moment),
    Column("four_eyes", Boolean, nullable=False),
    Column("opinions", SmallInteger, nullable=False),
    Column("disputed", Boolean, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("payload", String(64), nullable=False),
    Column("decided_at", Moment),
    Column("erased_at", Moment),  # since then nothing is here of what it said
    # what arrived, as it came: what is published derives from it
    Column("partition", Integer, nullable=False),
    Column("offset", BigInteger, nullable=False),
    Column("key", LargeBinary),
    Column("event", Text, nullable=False),
    Column("rules", Text, nullable=False),
    Index(None, "status", "due"),
    Index(None, "status", "decided_at"),
    Index(None, "person"),
    # counting 10,000 items reads this alone: a tenth of what reading their rows takes
    Index(
        "items_counted",
        *("status", "tenant", "risk", "snoozed_until", "soon", "due", "holder", "lease_until"),
    ),
)

# apart from the items, which are listed and counted without it
payloads: Final = Table(
    "payloads",
    metadata,
    Column("item_id", ForeignKey("items.id"), primary_key=True),
    Column("data", LargeBinary, nullable=False),
)

decisions: Final = Table(
    "decisions",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("item_id", ForeignKey("items.id"), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("reviewer", Text, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("text", Text),
    Column("reason", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("payload", String(64)),
    Column("decided_at", Moment, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("final", Boolean, nullable=False),
    Column("publish_at", Moment),  # NULL: not decided here, so not published from here
    Index(None, "item_id"),
    # no two that end one attempt, and nobody's word twice: the database itself refuses
    Index(
        "one_final_decision",
        "item_id",
        "attempt",
        unique=True,
        sqlite_where=text("final"),
        postgresql_where=text("final"),
    ),
    UniqueConstraint("item_id", "attempt", "reviewer"),
)

proposals: Final = Table(
    "proposals",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("item_id", ForeignKey("items.id"), nullable=False),
    Column("author", Text, nullable=False),
    Column("payload", String(64), nullable=False),
    Column("answer", Text, nullable=False),
    Column("diff", Text, nullable=False),
    Column("made_at", Moment, nullable=False),
    Column("checks", Text),
    Index(None, "item_id"),
)

happenings: Final = Table(
    "happenings",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("item_id", ForeignKey("items.id"), nullable=False),
    Column("at", Moment, nullable=False),
    Column("who", Text, nullable=False),
    Column("what", Text, nullable=False),
    Column("note", Text, nullable=False),
    Index(None, "item_id"),
)

outbox: Final = Table(
    "outbox",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("item_id", ForeignKey("items.id")),  # NULL: it is of no item, or of several
    Column("decision_id", String(36)),
    Column("topic", String(64), nullable=False),
    Column("partition", Integer, nullable=False),
    Column("key", LargeBinary),
    Column("value", LargeBinary, nullable=False),
    Column("headers", Text, nullable=False),
    Column("not_before", Moment, nullable=False),
    Column("batch", Integer),  # NULL: it can still be taken back
    Column("published_at", Moment),
    Index(None, "partition", "published_at", "batch"),
    Index(None, "item_id"),
    Index(None, "decision_id"),
)

relays: Final = Table(
    "relays",
    metadata,
    Column("partition", Integer, primary_key=True, autoincrement=False),
    Column("epoch", Integer, nullable=False),
    Column("batch", Integer, nullable=False),
    Column("read_back", BigInteger, nullable=False),  # next offset of `reviews.decided`
)

# who was erased, by a hash of their name: what they had asked by then may still come
erasures: Final = Table(
    "erasures",
    metadata,
    Column("person", String(64), primary_key=True),
    Column("at", Moment, nullable=False),
)

marks: Final = Table(
    "marks",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)

sessions: Final = Table(
    "sessions",
    metadata,
    Column("name", String(64), primary_key=True),  # a hash: nobody signs in with what is here
    Column("began", Moment, nullable=False),
    Column("seen", Moment, nullable=False),
    Column("identity", Text),
    Column("called", Text, nullable=False),
    Column("csrf", Text, nullable=False),
    Column("data", Text, nullable=False),
    Index(None, "began"),
)
