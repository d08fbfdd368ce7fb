"""People with the reviewers' page open: each lists, claims, and has a list that comes again."""

import asyncio
import re
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Final

import httpx

from services.review.adapters.database import Database
from services.review.adapters.sessions import SqlSessions
from services.review.identity import Identity
from services.review.web.session import Key, Session

_ROOT: Final = Path(__file__).parents[2]
_TOKEN: Final = re.compile(r'name="csrf" value="([^"]+)"')
_TIMEOUT_SECONDS: Final = 30.0


class Browsers:
    """One for each person, signed in."""

    def __init__(self, clients: list[httpx.AsyncClient]) -> None:
        self._clients = clients
        self._tokens = [""] * len(clients)

    async def list(self, person: int) -> None:
        """Show the queue."""
        page = await self._clients[person].get("/queue")
        page.raise_for_status()
        self._tokens[person] = _TOKEN.findall(page.text)[0]

    async def claim(self, person: int) -> None:
        """Press the button that takes the next item; the page of that item follows."""
        answer = await self._clients[person].post(
            "/queue/next", data={"csrf": self._tokens[person]}
        )
        if (
            answer.status_code != HTTPStatus.SEE_OTHER
            or "/items/" not in answer.headers["location"]
        ):
            raise RuntimeError(f"nothing was claimed: {answer.status_code}")

    async def follow(self, person: int) -> None:
        """Have the list come again whenever it is told that something is new."""
        client = self._clients[person]
        async with client.stream("GET", "/queue/live", timeout=None) as stream:
            async for line in stream.aiter_lines():
                if line.startswith("event: queue"):
                    await client.get("/queue", headers={"hx-target": "queue"})


@asynccontextmanager
async def browsers(database: Database, url: str, people: list[Identity]) -> AsyncIterator[Browsers]:
    """Serve the pages of a database in a process of their own, and open a browser for each."""
    async with AsyncExitStack() as opened:
        home = opened.enter_context(tempfile.TemporaryDirectory())
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "benchmarks.review.served", home, url),
            stdout=asyncio.subprocess.PIPE,
            cwd=_ROOT,
        )
        opened.push_async_callback(process.wait)
        opened.callback(process.kill)
        if process.stdout is None:
            raise RuntimeError("no pipe")
        base = (await process.stdout.readline()).decode().strip()
        clients = []
        for who in people:
            key, now = Key.new(), datetime.now(UTC)
            await SqlSessions(database).save(key, Session(now, now, who, who.name))
            client = httpx.AsyncClient(
                base_url=base, cookies={"glideslope": key.secret}, timeout=_TIMEOUT_SECONDS
            )
            clients.append(await opened.enter_async_context(client))
        found = Browsers(clients)
        async with asyncio.TaskGroup() as following:
            tasks = [following.create_task(found.follow(each)) for each in range(len(people))]
            yield found
            for task in tasks:
                task.cancel()
