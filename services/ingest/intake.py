"""Takes submissions in: each is decided on, and the decision leaves on its topic."""

from dataclasses import dataclass, field
from typing import Any

from services.ingest import documents, feedback, requests
from services.ingest.arrival import Arrival
from services.ingest.decision import decided
from services.ingest.duplicates import Duplicates
from services.ingest.release import Pinned, Releases, conversation
from services.ingest.ways import Ways
from shared.cloudevents import Event
from shared.delivery.record import Record
from shared.events import RequestAccepted
from shared.metrics import REQUESTS_PINNED, Metrics
from shared.release import SHORT


@dataclass(slots=True)
class Intake:
    """What a decision needs beside the submission. `most_bytes` bounds the record it came in."""

    ways: Ways
    seen: Duplicates
    releases: Releases
    default_tenant: str
    most_bytes: int
    metrics: Metrics = field(default_factory=Metrics)

    def measured(self, metrics: Metrics) -> None:
        """Count in `metrics` from now on."""
        self.metrics = metrics

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
                if isinstance(decision, RequestAccepted):
                    await self._accepted(decision, pinned, arrival)
            else:
                await self.ways.publish(requests.duplicate(arrival), arrival)

    async def _accepted(self, request: RequestAccepted, pinned: Pinned, arrival: Arrival) -> None:
        part = "canary" if pinned.is_canary else "promoted"
        self.metrics.count(REQUESTS_PINNED, pinned.release[:SHORT], part)
        if pinned.shadow is not None:
            await self.ways.publish(requests.shadow(request, pinned.shadow), arrival)
            self.metrics.count(REQUESTS_PINNED, pinned.shadow[:SHORT], "shadow")

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
