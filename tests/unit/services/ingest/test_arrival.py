from datetime import UTC, datetime

import pytest

from services.ingest.arrival import Arrival
from shared.cloudevents import Event
from shared.delivery import Record

EVENT = Event(id="1", type="t", source="/s", data=b"{}")


def stamped(timestamp: int) -> Record:
    return Record("requests", 0, 0, timestamp, None, b"{}")


def test_an_event_is_received_when_its_record_was_stamped() -> None:
    arrival = Arrival.of(EVENT, stamped(1_700_000_000_123), "default")
    assert arrival.received_at == datetime(2023, 11, 14, 22, 13, 20, 123_000, UTC)
    assert arrival.received_at < arrival.now


@pytest.mark.parametrize("timestamp", [-1, 2**62, -(2**62)])
def test_a_stamp_that_cannot_be_is_replaced_by_the_present(timestamp: int) -> None:
    arrival = Arrival.of(EVENT, stamped(timestamp), "default")
    assert arrival.received_at == arrival.now
