"""A real Chromium before the reviewers' pages. `make test-browser`; skipped where there is none."""

import os
import shutil
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    async_playwright,
    expect,
)

from shared import web
from tests.unit.services.review.web.office import Office, opened

CHROMIUM = os.environ.get("GLIDESLOPE_CHROMIUM") or shutil.which("chromium")
HERE = Path(__file__).parent
ROOT = HERE.parents[1]

# a busy machine is slow, not wrong
expect.set_options(timeout=30_000)

SignedIn = Callable[..., Awaitable[Page]]


@pytest.fixture
async def chromium() -> AsyncIterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed here (Debian: chromium)")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        await browser.close()


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Office]:
    """Serve the pages; browsers reach them at `served.url`."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        url = f"http://127.0.0.1:{port}"
        changed: dict[str, Any] = {"review_url": url, "review_status_page": True}
        changed["review_undo_seconds"] = 30
        async with opened(tmp_path, **changed) as office, web.serving(office.app, listener):
            office.url = url
            yield office


@pytest.fixture
async def signed_in(chromium: Browser, served: Office) -> AsyncIterator[SignedIn]:
    """Open a page for a person; what its console complains of fails the test at its end."""
    complaints: list[str] = []
    contexts: list[BrowserContext] = []

    def heard(message: ConsoleMessage) -> None:
        refused = message.text.startswith("Failed to load resource")  # a test says by what
        if message.type in {"error", "warning"} and not refused:
            complaints.append(message.text)

    async def page(who: str | None = "ada", *roles: str, **options: Any) -> Page:
        context = await chromium.new_context(base_url=served.url, **options)
        contexts.append(context)
        if who is not None:
            secret = await served.session(who, *roles)
            await context.add_cookies([{"name": "glideslope", "value": secret, "url": served.url}])
        opened_page = await context.new_page()
        opened_page.on("console", heard)
        opened_page.on("pageerror", lambda error: complaints.append(str(error)))
        return opened_page

    yield page
    for context in contexts:
        await context.close()
    assert complaints == []


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe-core."""
    return (HERE / "axe-4.14.1.min.js").read_text()
