from datetime import UTC, datetime

from structlog.testing import capture_logs

from services.ingest.adapters.kafka_routing import KafkaRouting
from services.ingest.release import Pinned
from shared import routing, topics
from shared.cloudevents import Event
from shared.delivery import Record
from shared.events import RoutingChanged
from shared.settings import Settings


def record(promoted: str | None, *, offset: int = 0, **changed: str) -> Record:
    state = RoutingChanged(
        revision=offset + 1,
        promoted=promoted,
        operator="ann",
        action="release.promote",
        changed_at=datetime(2026, 3, 2, 12, tzinfo=UTC),
    )
    kind = changed.get("type", topics.ROUTING.event_type)
    event = Event("1", kind, "/cli", state.model_dump_json().encode())
    headers = tuple(event.headers())
    return Record("routing", routing.PARTITION, offset, 0, routing.KEY, event.data, headers)


async def test_what_the_last_record_says_holds_until_the_next_and_the_default_before_any() -> None:
    followed = KafkaRouting(Settings(), "d")
    assert followed.pin(b"k") == Pinned("d")
    await followed._take([record("a"), record("b", offset=1)])
    assert followed.pin(b"k") == Pinned("b")
    await followed._take([record(None, offset=2)])
    assert followed.pin(b"k") == Pinned("d")


async def test_a_record_that_cannot_be_read_is_logged_with_its_place_and_changes_nothing() -> None:
    followed = KafkaRouting(Settings(), "d")
    await followed._take([record("a")])
    junk = [
        Record("routing", 0, 7, 0, routing.KEY, b"{", ()),
        Record("routing", 0, 8, 0, routing.KEY, None, ()),
        record("x", offset=9, type="acme.routing.v1"),
    ]
    with capture_logs() as logs:
        await followed._take(junk)
    assert followed.pin(b"k") == Pinned("a")
    assert [each["position"] for each in logs] == ["routing-0-7", "routing-0-8", "routing-0-9"]
    assert {each["event"] for each in logs} == {"routing_unreadable"}
