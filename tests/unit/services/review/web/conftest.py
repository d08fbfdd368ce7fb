"""The pages over a queue in SQLite, and browsers that are HTTP clients."""

import re
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest

from services.review.adapters.accesses import SqlAccessLog
from services.review.adapters.arrivals import SqlArrivals
from services.review.adapters.database import Database
from services.review.adapters.reviews import SqlReviews
from services.review.adapters.sessions import SqlSessions
from services.review.adapters.tables import outbox
from services.review.api import queue_api
from services.review.item import Arrival
from services.review.terms import Terms
from services.review.web.settings import WebSettings
from services.review.web.site import Site, identify
from shared import topics, web
from shared.events import AnswerChecked, ReviewAccessed
from shared.release import ReviewRules
from tests.unit.services.review.web.provider import CLIENT, SECRET, Provider

AT = "http://127.0.0.1:8095"


@dataclass
class Office:
    """A review service without Kafka: its queue, its pages, and who signs in at the provider."""

    database: Database
    reviews: SqlReviews
    arrivals: SqlArrivals
    site: Site
    app: Any
    provider: Provider
    arrival: Callable[..., Arrival]
    links: list[str] = field(default_factory=list)
    _open: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def browser(self) -> httpx2.AsyncClient:
        """Return a browser that nobody has signed in with."""
        transport = httpx2.ASGITransport(self.app, raise_app_exceptions=True)
        client = httpx2.AsyncClient(transport=transport, base_url=AT)
        return await self._open.enter_async_context(client)

    async def signed_in(self, who: str = "ada", *roles: str, **claims: Any) -> httpx2.AsyncClient:
        """Return a browser that a person has signed in with at the provider."""
        self.provider.person = {
            "sub": who,
            "roles": list(roles or ("reviewer",)),
            "tenants": ["acme"],
            **claims,
        }
        browser = await self.browser()
        answer = await sign_in(browser)
        assert answer.status_code == 303, answer.text
        return browser

    async def put(self, checked: AnswerChecked, rules: ReviewRules | None = None) -> None:
        arrival = self.arrival(checked, datetime.now(UTC))
        await self.arrivals.put(arrival, checked, rules or ReviewRules())

    async def accesses(self) -> list[ReviewAccessed]:
        """Return everything that is on the record, the oldest first."""
        query = outbox.select().where(outbox.c.topic == topics.REVIEWS_ACCESSED.name)
        async with self.database.reading() as connection:
            rows = (await connection.execute(query.order_by(outbox.c.number))).all()
        return [ReviewAccessed.model_validate_json(row.value) for row in rows]

    async def refusals(self) -> list[str]:
        """Return the codes of what was refused."""
        return [each.code for each in await self.accesses() if each.action == "refused"]


async def sign_in(browser: httpx2.AsyncClient) -> httpx2.Response:
    """Go to the provider and back."""
    out = await browser.get("/sign-in/start")
    async with httpx2.AsyncClient() as elsewhere:
        back = await elsewhere.get(out.headers["location"])
    return await browser.get(back.headers["location"])


def token_in(page: httpx2.Response) -> str:
    """Return the CSRF token of a page."""
    found = re.search(r'name="csrf" value="([^"]+)"', page.text)
    assert found, page.text
    return found[1]


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    provider = Provider()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        async with web.serving(provider.app(), listener) as url:
            provider.issuer = url
            yield provider


@pytest.fixture
def changed() -> dict[str, Any]:
    """Settings that a test changes, by parametrising `changed`."""
    return {}


@pytest.fixture
async def office(
    provider: Provider,
    tmp_path: Path,
    changed: dict[str, Any],
    arrival: Callable[..., Arrival],
) -> AsyncIterator[Office]:
    settings = WebSettings(
        **{
            "home": tmp_path,
            "review_sign_in": "oidc",
            "review_url": AT,
            "review_oidc_issuer": provider.issuer,
            "review_oidc_client_id": CLIENT,
            "review_oidc_client_secret": SECRET,
            **changed,
        }
    )
    database = Database(settings.database_url)
    await database.open()
    reviews = SqlReviews(database, Terms())
    links: list[str] = []
    log = SqlAccessLog(database, settings.partitions)
    site = Site(reviews, SqlSessions(database), log, settings, links.append)
    app = site.app(queue_api(site.recorded, identify))
    office = Office(database, reviews, SqlArrivals(database), site, app, provider, arrival, links)
    async with office._open:
        yield office
    await database.close()
