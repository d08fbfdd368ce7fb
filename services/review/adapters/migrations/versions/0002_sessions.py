"""Sessions of the reviewers' pages."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
usable_from = "0001"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "sessions",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("began", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen", sa.DateTime(timezone=True), nullable=False),
        sa.Column("identity", sa.Text(), nullable=True),
        sa.Column("called", sa.Text(), nullable=False),
        sa.Column("csrf", sa.Text(), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_sessions")),
    )
    op.create_index(op.f("ix_sessions_began"), "sessions", ["began"], unique=False)
