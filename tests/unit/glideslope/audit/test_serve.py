from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from glideslope.audit.objects import FolderObjects
from glideslope.audit.serve import served


@pytest.fixture
async def client(build_log: Callable[..., Path]) -> httpx.AsyncClient:
    log = build_log(100, 300)
    app = served({"0": FolderObjects(log)})
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://log")


async def test_the_checkpoint_is_served_fresh(client: httpx.AsyncClient) -> None:
    answer = await client.get("/0/checkpoint")
    assert answer.status_code == 200
    assert answer.text.startswith("glideslope/0\n300\n")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("name", ["tile/0/000", "tile/entries/001.p/44", "tile/1/000.p/1"])
async def test_tiles_are_served_for_good(client: httpx.AsyncClient, name: str) -> None:
    answer = await client.get(f"/0/{name}")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/octet-stream"
    assert "immutable" in answer.headers["cache-control"]


@pytest.mark.parametrize(
    "path",
    [
        "/0/blobs/",
        "/0/local/journal",
        "/0/tile/0/999",
        "/1/checkpoint",
        "/0/../0/local/lock",
        "/0/keys/0",
    ],
)
async def test_nothing_else_is_served(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path)).status_code == 404


async def test_nothing_can_be_written(client: httpx.AsyncClient) -> None:
    assert (await client.put("/0/checkpoint", content=b"")).status_code == 405
