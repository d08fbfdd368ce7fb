"""What the page on AWS says to the database, said to a PostgreSQL as RDS' administrator would."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.review.adapters.database import Database
from tests.postgres import NotInstalledError, postgres

PAGE = Path(__file__).parents[2] / "docs" / "aws.md"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    if shutil.which("psql") is None:
        pytest.skip("psql is not installed")
    try:
        with postgres("fsync=off") as address:
            yield address.partition("@")[2]
    except NotInstalledError as error:
        pytest.skip(str(error))


def said(
    server: str, user: str, database: str, statements: str
) -> subprocess.CompletedProcess[str]:
    url = f"postgresql://{user}@{server}/{database}"
    return subprocess.run(
        ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", url],
        input=statements,
        capture_output=True,
        text=True,
        check=False,
    )


async def test_the_administrator_who_is_no_superuser_gives_review_its_database(server: str) -> None:
    # as RDS makes its administrator
    made = said(
        server,
        "glideslope",
        "postgres",
        "CREATE ROLE administrator LOGIN CREATEDB CREATEROLE;"
        "CREATE DATABASE review OWNER administrator;",
    )
    assert made.returncode == 0, made.stderr
    [statements] = re.findall(r"```sql\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    given = said(server, "administrator", "review", statements)
    assert given.returncode == 0, given.stderr
    database = Database(f"postgresql+asyncpg://review@{server}/review")
    await database.open()  # brings the schema up to date
    await database.close()
