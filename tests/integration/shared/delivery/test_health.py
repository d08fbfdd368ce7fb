"""Health and metrics of a service at work on real Kafka."""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from aiokafka import AIOKafkaProducer
from prometheus_client.parser import text_string_to_metric_families

from shared import topics
from shared.settings import Settings

pytestmark = [pytest.mark.kafka, pytest.mark.usefixtures("topics")]

SERVICE: Final = Path(__file__).parent / "held.py"
STALL_SECONDS: Final = 2.0
PATIENCE_SECONDS: Final = 40.0


@dataclass
class Held:
    """The service as it runs, and what it says over HTTP."""

    settings: Settings
    client: httpx.AsyncClient
    held: Path
    unready: Path

    async def ready(self) -> tuple[int, list[dict[str, Any]]]:
        answer = await self.client.get("/readyz")
        return answer.status_code, answer.json()["reasons"]

    async def becomes(self, status: int, *reasons: tuple[str, str | None]) -> dict[str, Any]:
        """Wait until `/readyz` says so with these reasons among others; return the first."""
        told: list[dict[str, Any]] = []
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while True:
                    code, told = await self.ready()
                    if code == status and set(reasons) <= {(r["code"], r["about"]) for r in told}:
                        return told[0] if told else {}
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise AssertionError(f"not {status} {reasons}; the last answer: {told}") from None

    async def metric(self, name: str, **labels: str) -> float:
        """Return the sum of the samples of that name that carry these labels."""
        text = (await self.client.get("/metrics")).text
        return sum(
            sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == f"glideslope_{name}" and labels.items() <= sample.labels.items()
        )

    async def comes_to(self, value: float, name: str, **labels: str) -> None:
        """Wait until the metric has this value."""
        seen = float("nan")
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while True:
                    if (seen := await self.metric(name, **labels)) == value:
                        return
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise AssertionError(f"{name} {labels} is {seen}, not {value}") from None

    async def publish(self, *questions: str, partition: int = 0, transaction: bool = False) -> None:
        """Publish questions, each under a key of its own."""
        producer = AIOKafkaProducer(
            bootstrap_servers=self.settings.bootstrap_servers,
            transactional_id=f"{self.settings.topic_prefix}test" if transaction else None,
        )
        await producer.start()
        try:
            if transaction:
                async with producer.transaction():
                    await self._send(producer, questions, partition)
            else:
                await self._send(producer, questions, partition)
        finally:
            await producer.stop()

    async def _send(
        self, producer: AIOKafkaProducer, questions: Iterable[str], partition: int
    ) -> None:
        for number, question in enumerate(questions):
            await producer.send_and_wait(
                self.requests,
                key=f"{question}-{number}".encode(),
                value=b'{"question": "%s"}' % question.encode(),
                partition=partition,
                headers=[
                    ("ce_specversion", b"1.0"),
                    ("ce_id", f"{question}-{number}".encode()),
                    ("ce_type", topics.REQUESTS.event_type.encode()),
                    ("ce_source", b"/desk"),
                ],
            )

    @property
    def requests(self) -> str:
        return self.settings.topic(topics.REQUESTS)


@pytest.fixture
async def held(settings: Settings, tmp_path: Path) -> AsyncIterator[Held]:
    """The service, listening for health on a port that it chose and told as sd_notify(3) has it."""
    told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    told.bind(str(tmp_path / "notify"))
    told.setblocking(False)  # noqa: FBT003 - the standard library's signature
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(SERVICE),
        env={
            **os.environ,
            "KAFKA_BOOTSTRAP_SERVERS": settings.bootstrap_servers,
            "GLIDESLOPE_TOPIC_PREFIX": settings.topic_prefix,
            "GLIDESLOPE_GRACE_SECONDS": "1",
            "GLIDESLOPE_SESSION_TIMEOUT_SECONDS": "6",
            "GLIDESLOPE_BREAKER_FAILURES": "1",
            "GLIDESLOPE_BREAKER_RECOVERY_SECONDS": "0.2",
            "GLIDESLOPE_RETRY_DELAYS_SECONDS": "[0.2]",
            "GLIDESLOPE_STALL_SECONDS": str(STALL_SECONDS),
            "GLIDESLOPE_HELD": str(tmp_path / "held"),
            "GLIDESLOPE_UNREADY": str(tmp_path / "unready"),
            "NOTIFY_SOCKET": str(tmp_path / "notify"),
            "PYTHONPATH": str(Path.cwd()),
        },
    )
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            status = (await asyncio.get_running_loop().sock_recv(told, 4096)).decode()
        url = status.removeprefix("STATUS=health: ")
        async with httpx.AsyncClient(base_url=url, timeout=10) as client:
            held = Held(settings, client, tmp_path / "held", tmp_path / "unready")
            await held.becomes(200)
            yield held
    finally:
        told.close()
        (tmp_path / "held").unlink(missing_ok=True)
        if process.returncode is None:
            process.terminate()
        assert await asyncio.wait_for(process.wait(), 30) == 0


async def test_metrics_move_as_records_flow(held: Held) -> None:
    assert (await held.client.get("/livez")).status_code == 200
    assert await held.metric("records_handled_total", topic=held.requests) == 0
    await held.publish("first", "second", "bad", "fourth")
    await held.comes_to(3, "records_handled_total", topic=held.requests)
    await held.comes_to(1, "records_dead_lettered_total", reason="ValueError")
    await held.comes_to(0, "records_in_flight")
    retry = held.settings.topic(topics.RETRIES["ingest"])
    assert await held.metric("records_consumed_total", topic=held.requests) == 4
    assert await held.metric("records_consumed_total", topic=retry) == 1
    assert await held.metric("records_committed_total") == 5
    assert await held.metric("records_retried_total", reason="ValueError") == 1
    assert await held.metric("tries_failed_total", topic=held.requests, reason="ValueError") == 6
    assert await held.metric("transaction_duration_seconds_count", topic=retry) == 1
    assert 1 <= await held.metric("transaction_duration_seconds_count", topic=held.requests) <= 4
    assert await held.metric("rebalances_total") >= 1
    assert await held.metric("partitions_open") == 2 * held.settings.partitions
    assert await held.metric("slots_limit") == held.settings.max_in_flight
    assert await held.metric("loop_delay_seconds_count") > 0


async def test_lag_counts_from_the_watermark_to_what_can_be_read(held: Held) -> None:
    held.held.touch()
    await held.publish("wait", "first", "second")
    await held.publish("wait", partition=1)
    lag = {"topic": held.requests, "partition": "0"}
    await held.comes_to(3, "partition_lag", **lag)
    await held.comes_to(1, "partition_lag", topic=held.requests, partition="1")
    await held.comes_to(1, "records_in_flight", **lag)  # the other two are completed beyond
    assert await held.metric("slots_taken") == 2
    assert await held.metric("progress_metadata_bytes", **lag) > 0
    assert await held.metric("partition_held_back", **lag) == 0
    assert await held.metric("watermark_age_seconds", **lag) > 0
    held.held.unlink()
    await held.comes_to(0, "partition_lag")
    await held.comes_to(0, "watermark_age_seconds")
    assert await held.metric("progress_metadata_bytes", **lag) == 0


async def test_a_transactions_marker_is_no_lag_once_everything_is_read(held: Held) -> None:
    held.held.touch()
    await held.publish("wait", "first", transaction=True)
    await held.comes_to(3, "partition_lag", topic=held.requests)
    held.held.unlink()
    await held.comes_to(0, "partition_lag", topic=held.requests)
    assert await held.metric("records_committed_total", topic=held.requests) == 2


async def test_a_service_is_not_ready_while_a_dependency_is_down_and_says_which(
    held: Held,
) -> None:
    held.held.touch()
    await held.publish("down")
    await held.becomes(503, ("dependency_down", "model"))
    await held.comes_to(1, "breaker_open", dependency="model")
    held.held.unlink()
    await held.becomes(200)
    assert await held.metric("breaker_open", dependency="model") == 0
    assert await held.metric("records_dead_lettered_total") == 0
    assert await held.metric("records_handled_total") == 1


async def test_a_partition_with_lag_that_does_not_move_makes_its_service_not_ready(
    held: Held,
) -> None:
    held.held.touch()
    await held.publish("wait", "first")
    reason = await held.becomes(503, ("stalled", f"{held.requests}-0"))
    assert "at offset 0" in reason["message"]
    assert "lag of 2" in reason["message"]
    assert await held.metric("watermark_age_seconds", partition="0") > STALL_SECONDS
    held.held.unlink()
    await held.becomes(200)


async def test_what_the_service_itself_finds_in_the_way_makes_it_not_ready(held: Held) -> None:
    held.unready.touch()
    reason = await held.becomes(503, ("service", None))
    assert reason["message"] == "the index is behind"
    held.unready.unlink()
    await held.becomes(200)
