"""The schema: brought to the newest version, or used as a newer review has made it.

A migration says in `usable_from` the oldest revision whose review may go on using the database
after it, and the database keeps that, in `marks`. So a review that was rolled back, or that is
replaced by a newer one just now, knows whether it may use a schema whose newest revision it has
never heard of.
"""

from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from sqlalchemy import Connection

from services.review.adapters.tables import marks
from shared.delivery.errors import FatalError

MIGRATIONS: Final = Path(__file__).parent / "migrations"
_USABLE_FROM: Final = "usable from"


class SchemaTooNewError(FatalError):
    """The database was migrated by a newer review, and this one may not use it."""

    def __init__(self, found: str, usable_from: str | None, newest: str) -> None:
        usable = f"from {usable_from} on" if usable_from else "at its own schema alone"
        super().__init__(
            f"the review database has schema {found}, which a review may use {usable}; this one "
            f"knows schemas up to {newest}. Start a newer review: where a release is rolled back, "
            "keep its review image. Nothing was changed"
        )


def bring_up_to_date(connection: Connection, migrations: Path = MIGRATIONS) -> None:
    """Migrate the database to the newest schema of `migrations`, if it is not there or beyond.

    Raises:
        SchemaTooNewError: it is beyond, and not usable from here.
    """
    scripts = ScriptDirectory(str(migrations))
    chain = list(scripts.walk_revisions())  # from the newest on
    found = MigrationContext.configure(connection).get_current_revision()
    if found is None or found in {each.revision for each in chain}:
        _upgrade(connection, migrations)
        _note(connection, usable_from(chain))
        return
    oldest = _noted(connection)
    if oldest not in {each.revision for each in chain}:
        raise SchemaTooNewError(found, oldest, chain[0].revision)


def usable_from(chain: list[Script]) -> str:
    """Return the oldest revision whose review may use what the newest of `chain` has made.

    Each migration speaks of itself: the newest of what they say counts. `chain` begins with the
    newest.
    """
    said = {str(each.module.usable_from) for each in chain}
    return next(each.revision for each in chain if each.revision in said)


def _upgrade(connection: Connection, migrations: Path) -> None:
    config = Config()
    config.set_main_option("script_location", str(migrations).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _note(connection: Connection, oldest: str) -> None:
    """Keep it; what is so already is not written, which the service's own user may be unable to."""
    noted = _noted(connection)
    if noted == oldest:
        return
    if noted is None:
        connection.execute(marks.insert().values(name=_USABLE_FROM, value=oldest))
    else:
        connection.execute(marks.update().where(marks.c.name == _USABLE_FROM).values(value=oldest))


def _noted(connection: Connection) -> str | None:
    value: str | None = connection.scalar(
        marks.select().with_only_columns(marks.c.value).where(marks.c.name == _USABLE_FROM)
    )
    return value
