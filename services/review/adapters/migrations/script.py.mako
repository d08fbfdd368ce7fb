"""${message}."""

import sqlalchemy as sa
from alembic import op

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
# The oldest revision whose review may go on using the database after this one: an older one where
# this one only adds, and nothing is missed if an older review leaves empty what is added. A
# review that was rolled back reads it from the database (schema.py).
usable_from = revision


def upgrade() -> None:
    """Make it so."""
    ${upgrades if upgrades else "pass"}
