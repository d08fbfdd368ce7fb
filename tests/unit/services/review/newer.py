"""A review that is newer than this one by a migration."""

import shutil
from pathlib import Path
from typing import Final

from services.review.adapters.schema import MIGRATIONS

ADDITION: Final = """
    op.add_column("items", sa.Column("hue", sa.Text(), nullable=True))
    weight = sa.Column("weight", sa.Integer(), server_default="1", nullable=False)
    op.add_column("decisions", weight)
    op.create_table("moods", sa.Column("name", sa.Text(), primary_key=True))
    op.create_index("ix_items_hue", "items", ["hue"])
"""

_MIGRATION: Final = """
import sqlalchemy as sa
from alembic import op

revision = "later"
down_revision = "{newest}"
usable_from = "{usable_from}"


def upgrade():
{change}
"""


def newer_migrations(
    folder: Path, *, usable_from: str, newest: str = "0003", change: str = ADDITION
) -> Path:
    """Make, below `folder`, the migrations of a review that has one more of them."""
    migrations = folder / "migrations"
    shutil.copytree(MIGRATIONS, migrations, ignore=shutil.ignore_patterns("__pycache__"))
    source = _MIGRATION.format(newest=newest, usable_from=usable_from, change=change)
    (migrations / "versions" / "later.py").write_text(source)
    return migrations
