"""A review on a database that a newer one has migrated; test_reviews.py tries the queue there."""

import asyncio
import runpy
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from alembic.script import Script, ScriptDirectory
from sqlalchemy import Inspector, create_engine, inspect, text

from services.review.adapters.database import Database
from services.review.adapters.schema import (
    MIGRATIONS,
    SchemaTooNewError,
    bring_up_to_date,
    usable_from,
)
from tests.unit.services.review.newer import ADDITION, newer_migrations

CHAIN = list(ScriptDirectory(str(MIGRATIONS)).walk_revisions())
NEWEST = CHAIN[0].revision
TAKING = """
    op.drop_index("ix_items_person", "items")
    op.drop_column("items", "person")
"""
DEMANDING = """
    with op.batch_alter_table("items") as items:
        items.alter_column("skill", nullable=False)
    op.create_index("only_once", "outbox", ["decision_id"], unique=True)
"""


@pytest.fixture
def file(empty_file: Path, tmp_path: Path) -> Path:
    """An SQLite database that this review has opened."""
    return Path(shutil.copy(empty_file, tmp_path / "queue.db"))


async def opened(file: Path, migrations: Path = MIGRATIONS) -> None:
    database = Database(f"sqlite+aiosqlite:///{file}", migrations)
    try:
        await database.open()
    finally:
        await database.close()


def schema(file: Path) -> list[Any]:
    database = sqlite3.connect(file)
    said = database.execute("SELECT sql FROM sqlite_master").fetchall()
    said += database.execute("SELECT version_num FROM alembic_version").fetchall()
    database.close()
    return said


async def test_on_postgresql_an_older_review_opens_what_a_newer_one_has_added_to(
    server: str, tmp_path: Path
) -> None:
    other = await asyncpg.connect(f"postgresql://{server}/postgres")
    await other.execute("CREATE DATABASE rolled_back")
    await other.close()
    newer = newer_migrations(tmp_path, usable_from=NEWEST, newest=NEWEST)
    for migrations in (newer, MIGRATIONS):
        database = Database(f"postgresql+asyncpg://{server}/rolled_back", migrations)
        await database.open()
        async with database.reading() as connection:
            version = await connection.scalar(text("SELECT version_num FROM alembic_version"))
            assert await connection.scalar(text("SELECT count(*) FROM moods")) == 0
        await database.close()
        assert version == "later"


async def test_a_schema_that_was_only_added_to_is_used_and_left_as_it_is(
    file: Path, tmp_path: Path
) -> None:
    await opened(file, newer_migrations(tmp_path, usable_from=NEWEST, newest=NEWEST))
    before = schema(file)

    await opened(file)

    assert schema(file) == before
    assert ("later",) in before


def test_a_schema_that_asks_for_a_newer_review_is_refused_with_what_to_do(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asyncio.run(opened(file, newer_migrations(tmp_path, usable_from="later", newest=NEWEST)))
    before = schema(file)

    with pytest.raises(SchemaTooNewError, match="keep its review image"):
        asyncio.run(opened(file))
    monkeypatch.setenv("GLIDESLOPE_REVIEW_DATABASE", f"sqlite+aiosqlite:///{file}")
    with pytest.raises(SystemExit, match=f"from later on; this one knows schemas up to {NEWEST}"):
        runpy.run_module("services.review.adapters.migrations", run_name="__main__")

    assert schema(file) == before


async def test_a_newer_schema_that_says_nothing_is_refused(file: Path, tmp_path: Path) -> None:
    await opened(file, newer_migrations(tmp_path, usable_from=NEWEST, newest=NEWEST))
    database = sqlite3.connect(file)
    database.execute("DELETE FROM marks")
    database.commit()
    database.close()

    with pytest.raises(SchemaTooNewError, match="its own schema alone"):
        await opened(file)


async def test_the_newer_review_goes_on_where_the_older_one_was(file: Path, tmp_path: Path) -> None:
    newer = newer_migrations(tmp_path, usable_from=NEWEST, newest=NEWEST)
    for migrations in (newer, MIGRATIONS, newer):
        await opened(file, migrations)
    assert ("later",) in schema(file)


async def test_an_addition_opens_to_nobody_what_an_earlier_migration_has_closed(
    tmp_path: Path,
) -> None:
    closed = newer_migrations(tmp_path, usable_from="later", newest=NEWEST)
    later = (closed / "versions" / "later.py").read_text()
    (closed / "versions" / "latest.py").write_text(
        later.replace('revision = "later"', 'revision = "latest"')
        .replace(f'down_revision = "{NEWEST}"', 'down_revision = "later"')
        .replace('usable_from = "later"', f'usable_from = "{NEWEST}"')
    )
    assert usable_from(list(ScriptDirectory(str(closed)).walk_revisions())) == "later"


# ── What a migration says of itself ───────────────────────────────────────────────────────────


@pytest.mark.parametrize("script", CHAIN, ids=[each.revision for each in CHAIN])
def test_what_a_migration_calls_usable_by_older_reviews_only_adds(
    script: Script, tmp_path: Path
) -> None:
    older = script.module.usable_from
    assert older in {each.revision for each in CHAIN}
    assert demands(MIGRATIONS, older, script.revision, tmp_path) == []


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (ADDITION, []),
        (TAKING, ["items.person is gone"]),
        (DEMANDING, ["items.skill must be filled in", "outbox has a new rule, only_once"]),
    ],
)
def test_a_migration_that_takes_away_or_asks_for_more_is_found_out(
    change: str, found: list[str], tmp_path: Path
) -> None:
    newer = newer_migrations(tmp_path, usable_from=NEWEST, newest=NEWEST, change=change)
    assert demands(newer, NEWEST, "later", tmp_path) == found


def demands(migrations: Path, older: str, newer: str, folder: Path) -> list[str]:
    """Return what a review of schema `older` cannot do with `newer`, or would do wrongly."""
    was, is_ = (at(migrations, each, folder / name) for name, each in (("a", older), ("b", newer)))
    found = []
    for table in sorted(set(was.get_table_names()) - {"alembic_version"}):
        if table not in is_.get_table_names():
            found.append(f"{table} is gone")
            continue
        columns = {each["name"]: each for each in was.get_columns(table)}
        new = {each["name"]: each for each in is_.get_columns(table)}
        found += [f"{table}.{name} is gone" for name in columns.keys() - new.keys()]
        for name, column in new.items():
            optional = columns.get(name, {"nullable": True})["nullable"]
            if optional and not column["nullable"] and column["default"] is None:
                found.append(f"{table}.{name} must be filled in")
            if name in columns and str(column["type"]) != str(columns[name]["type"]):
                found.append(f"{table}.{name} is of another type")
        found += [
            f"{table} has a new rule, {name}" for name in rules(is_, table) - rules(was, table)
        ]
    return found


def at(migrations: Path, revision: str, folder: Path) -> Inspector:
    """Look at a database whose newest migration is `revision`."""
    part = folder / "migrations"
    shutil.copytree(migrations, part, ignore=shutil.ignore_patterns("__pycache__"))
    kept = {
        each.revision for each in ScriptDirectory(str(migrations)).walk_revisions("base", revision)
    }
    for script in ScriptDirectory(str(migrations)).walk_revisions():
        if script.revision not in kept:
            (part / "versions" / Path(script.path).name).unlink()
    engine = create_engine(f"sqlite:///{folder}/queue.db")
    with engine.begin() as connection:
        bring_up_to_date(connection, part)
    return inspect(engine)


def rules(seen: Inspector, table: str) -> set[str]:
    """Return what may refuse a row: keys that must be unique or found elsewhere, and checks."""
    asked = [
        *(each for each in seen.get_indexes(table) if each["unique"]),
        *seen.get_unique_constraints(table),
        *seen.get_foreign_keys(table),
        *seen.get_check_constraints(table),
    ]
    return {str(each["name"]) for each in asked}
