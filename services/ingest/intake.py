"""Takes submissions in: each is decided on, and the decision leaves on its topic."""

from dataclasses import dataclass
from typing import Any

from services.ingest import documents, feedback, requests
from services.ingest.arrival import Arrival
from services.ingest.decision import decided
from services.ingest.duplicates import Duplicates
from services.ingest.release import Releases, conversation
from services.ingest.ways import Ways
from shared.cloudevents import Event
from shared.delivery.record import Record
from shared.events import RequestAccepted


@dataclass(frozen=True, slots=True)
class Intake:
    """What a decision needs beside the submission. `most_bytes` bounds the record it came in."""

    ways: Ways
    seen: Duplicates
    releases: Releases
    default_tenant: str
    most_bytes: int

    async def request(self, data: Any, event: Event, record: Record) -> None:
        """Accept a request and pin it to a release, reject it, or pass it by as a duplicate.

        Of an accepted one a copy goes to the release in shadow, if there is one.
        """
        arrival = self._arrival(event, record)
        sighting = arrival.sighting(record.key, record.offset)
        with self.seen.first(record.partition, sighting) as first:
            if first:
                pinned = self.releases.pin(conversation(record.key, arrival))
                decision = await decided(
                    requests.acceptable, data, arrival, pinned.release, self.most_bytes
                )
                await self.ways.publish(decision, arrival)
                if pinned.shadow is not None and isinstance(decision, RequestAccepted):
                    await self.ways.publish(requests.shadow(decision, pinned.shadow), arrival)
            else:
                await self.ways.publish(requests.duplicate(arrival), arrival)

    async def document(self, data: Any, event: Event, record: Record) -> None:
        """Accept a document, cut into passages, or reject it."""
        arrival = self._arrival(event, record)
        decision = await decided(documents.acceptable, data, arrival, self.most_bytes)
        await self.ways.publish(decision, arrival, documents.key(decision))

    async def feedback(self, data: Any, event: Event, record: Record) -> None:
        """Accept feedback, or reject it."""
        arrival = self._arrival(event, record)
        decision = await decided(feedback.acceptable, data, arrival, self.most_bytes)
        await self.ways.publish(decision, arrival)

    def _arrival(self, event: Event, record: Record) -> Arrival:
        return Arrival.of(event, record, self.default_tenant)
