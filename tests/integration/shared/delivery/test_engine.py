"""The delivery engine on real Kafka: what a `read_committed` reader sees, whatever is killed."""

import asyncio
import signal
from collections import Counter

import pytest

from shared import topics
from shared.events import RequestRejected
from shared.settings import Settings
from tests.integration.shared.delivery.relays import Reader, publish, relays, start_relay

pytestmark = pytest.mark.kafka
with_topics = pytest.mark.usefixtures("topics")


@with_topics
async def test_what_cannot_be_read_or_handled_is_kept_with_its_bytes_and_holds_nothing_up(
    settings: Settings,
) -> None:
    records = [
        (b"a", b'{"question": "first"}'),
        (b"a", b"\xff not json"),
        (b"a", b'{"question": "raise"}'),
        (b"a", b'{"question": 7}'),
        (b"a", b'{"question": "last"}'),
    ]
    async with relays(settings, 1), Reader(settings) as reader:
        await publish(settings, records)
        await reader.until(len(records))
    assert [
        RequestRejected.model_validate_json(r.value).message
        for r in reader.of(topics.REQUESTS_REJECTED)
    ] == ["first", "last"]
    letters = {letter.value: letter for letter in reader.of(topics.DEAD_LETTERS)}
    assert set(letters) == {records[n][1] for n in (1, 2, 3)}
    for letter in letters.values():
        assert letter.key == b"a"
        assert ("null", None) in letter.headers
        assert ("binary", b"\xff\xfe") in letter.headers
    told = [dict(letters[records[n][1]].headers) for n in (1, 2, 3)]
    assert [t["glideslope-reason-code"] for t in told] == [
        b"bad_json",
        b"RuntimeError",
        b"bad_data",
    ]
    assert [t["glideslope-attempts"] for t in told] == [b"1", b"6", b"1"]
    assert {t["glideslope-source-topic"] for t in told} == {
        settings.topic(topics.REQUESTS).encode()
    }


@with_topics
async def test_on_sigterm_what_is_in_flight_is_finished_and_nothing_is_answered_twice(
    settings: Settings,
) -> None:
    count = 200
    async with relays(settings, 1) as processes, Reader(settings) as reader:
        await publish(settings, [(b"%d" % n, b'{"question": "%d"}' % n) for n in range(count)])
        await reader.until(20)
        processes[0].send_signal(signal.SIGTERM)
        assert await processes[0].wait() == 0
        processes[0] = await start_relay(settings)
        await reader.until(count)
        await reader.until_end()
    ids = Counter(RequestRejected.model_validate_json(r.value).request_id for r in reader.records)
    assert ids == Counter(str(n) for n in range(count))


async def test_a_service_refuses_to_start_without_its_topics_and_says_what_to_do(
    settings: Settings, capfd: pytest.CaptureFixture[str]
) -> None:
    process = await start_relay(settings)
    assert await asyncio.wait_for(process.wait(), 30) == 1
    out, err = capfd.readouterr()
    assert "glideslope topics create" in out + err
