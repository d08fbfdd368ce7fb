"""Whose data an item is, who was erased, and an index that counts without reading rows."""

import json

import sqlalchemy as sa
from alembic import op

from services.review.erasure import person

revision = "0003"
down_revision = "0002"
usable_from = "0003"  # an older review would not note whose data an item is


def upgrade() -> None:
    """Make the table and the columns; whose data an item is stands in its event."""
    op.create_table(
        "erasures",
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("person", name=op.f("pk_erasures")),
    )
    op.add_column("items", sa.Column("person", sa.String(length=64), nullable=True))
    op.add_column("items", sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(op.f("ix_items_person"), "items", ["person"], unique=False)
    op.create_index(
        "items_counted",
        "items",
        ["status", "tenant", "risk", "snoozed_until", "soon", "due", "holder", "lease_until"],
        unique=False,
    )
    items = sa.table("items", *map(sa.column, ("id", "tenant", "event", "person")))
    connection = op.get_bind()
    known = sa.select(items.c.id, items.c.tenant, items.c.event)
    for id_, tenant, event in connection.execute(known).all():
        if (subject := json.loads(event)["subject"]) is not None:
            whose = sa.update(items).where(items.c.id == id_)
            connection.execute(whose.values(person=person(tenant, subject)))
