"""`Sessions` over the review database: every process of the service knows the same."""

import json
from datetime import datetime

from sqlalchemy import delete, select, update

from services.review.adapters.database import Database
from services.review.adapters.tables import sessions
from services.review.identity import Identity, Role
from services.review.web.session import Key, Session


class SqlSessions:
    """Implements `services.review.web.session.Sessions`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self, key: Key) -> Session | None:
        """Return a session, or None where there is none."""
        query = select(sessions).where(sessions.c.name == key.name)
        async with self._database.reading() as connection:
            row = (await connection.execute(query)).one_or_none()
        if row is None:
            return None
        return Session(
            began=row.began,
            seen=row.seen,
            identity=None if row.identity is None else _identity(row.identity),
            called=row.called,
            csrf=row.csrf,
            data=json.loads(row.data),
        )

    async def save(self, key: Key, session: Session) -> None:
        """Keep a session, new or changed."""
        values = {
            "began": session.began,
            "seen": session.seen,
            "identity": None if session.identity is None else _text(session.identity),
            "called": session.called,
            "csrf": session.csrf,
            "data": json.dumps(session.data),
        }
        async with self._database.writing() as connection:
            await connection.execute(delete(sessions).where(sessions.c.name == key.name))
            await connection.execute(sessions.insert().values(name=key.name, **values))

    async def touch(self, key: Key, seen: datetime) -> None:
        """Note when a session was seen; one that has ended meanwhile stays ended."""
        async with self._database.writing() as connection:
            await connection.execute(
                update(sessions).where(sessions.c.name == key.name).values(seen=seen)
            )

    async def delete(self, key: Key) -> None:
        """Forget a session."""
        async with self._database.writing() as connection:
            await connection.execute(delete(sessions).where(sessions.c.name == key.name))

    async def sweep(self, before: datetime) -> None:
        """Forget all sessions that began before a time."""
        async with self._database.writing() as connection:
            await connection.execute(delete(sessions).where(sessions.c.began < before))


def _text(identity: Identity) -> str:
    return json.dumps(
        {
            "name": identity.name,
            "roles": sorted(identity.roles),
            "tenants": sorted(identity.tenants),
            "skills": sorted(identity.skills),
        }
    )


def _identity(text: str) -> Identity:
    told = json.loads(text)
    return Identity(
        told["name"],
        frozenset(map(Role, told["roles"])),
        frozenset(told["tenants"]),
        frozenset(told["skills"]),
    )
