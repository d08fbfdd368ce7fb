import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator

import httpx
import pytest

from shared.health import HealthAddressError, Reason, serving
from shared.metrics import REBALANCES, Exposition
from shared.settings import Settings


@pytest.fixture
async def exposition() -> AsyncIterator[Exposition]:
    exposition = Exposition("relay", Settings())
    yield exposition
    exposition.close()


async def ready() -> list[Reason]:
    return []


async def test_a_ready_service_says_so(exposition: Exposition) -> None:
    async with (
        serving("127.0.0.1", 0, exposition, ready) as url,
        httpx.AsyncClient(base_url=url) as client,
    ):
        answer = await client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {"ready": True, "reasons": []}


async def test_a_service_that_is_not_ready_names_every_reason(exposition: Exposition) -> None:
    async def not_ready() -> list[Reason]:
        return [
            Reason("dependency_down", "records are held back", about="model"),
            Reason("kafka_silent", "no answer for 12 s"),
        ]

    async with (
        serving("127.0.0.1", 0, exposition, not_ready) as url,
        httpx.AsyncClient(base_url=url) as client,
    ):
        answer = await client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {
        "ready": False,
        "reasons": [
            {"code": "dependency_down", "message": "records are held back", "about": "model"},
            {"code": "kafka_silent", "message": "no answer for 12 s", "about": None},
        ],
    }


async def test_prometheus_reads_the_metrics(exposition: Exposition) -> None:
    exposition.metrics.count(REBALANCES)
    async with (
        serving("127.0.0.1", 0, exposition, ready) as url,
        httpx.AsyncClient(base_url=url) as client,
    ):
        answer = await client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert 'glideslope_rebalances_total{service_name="relay"} 1.0' in answer.text.splitlines()


async def test_livez_does_not_answer_while_the_loop_is_blocked(exposition: Exposition) -> None:
    async with (
        serving("127.0.0.1", 0, exposition, ready) as url,
        httpx.AsyncClient(base_url=url) as client,
    ):
        assert (await client.get("/livez")).json()["alive"] is True
        probe = f"import urllib.request as u; u.urlopen('{url}/livez', timeout=0.5)"
        # runs in the loop's own thread, so it blocks the loop: the very thing a handler must not do
        ended = subprocess.run([sys.executable, "-c", probe], capture_output=True, check=False)  # noqa: ASYNC221 - see above
        assert ended.returncode == 1
        assert b"TimeoutError" in ended.stderr
        async with asyncio.timeout(10):
            while (await client.get("/livez")).json()["loop_delay_seconds"] < 0.2:
                pass  # the next heartbeat notices


async def test_an_address_that_is_taken_is_an_error_that_says_what_to_set(
    exposition: Exposition,
) -> None:
    async with serving("127.0.0.1", 0, exposition, ready) as url:
        port = int(url.rpartition(":")[2])
        with pytest.raises(HealthAddressError, match="GLIDESLOPE_HEALTH_PORT"):
            async with serving("127.0.0.1", port, exposition, ready):
                pass


async def test_signals_stay_with_the_service(exposition: Exposition) -> None:
    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
    try:
        async with serving("127.0.0.1", 0, exposition, ready) as url, httpx.AsyncClient() as client:
            await client.get(f"{url}/livez")
            signal.raise_signal(signal.SIGTERM)
            await asyncio.wait_for(told.wait(), 5)
            assert (await client.get(f"{url}/livez")).status_code == 200
    finally:
        asyncio.get_running_loop().remove_signal_handler(signal.SIGTERM)
