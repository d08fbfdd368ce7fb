"""What ingest knows of a submission beside its data: who sent it, when it came, how large it is."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Self

from services.ingest.duplicates import Sighting
from services.ingest.objection import Code, Objection
from services.ingest.text import LINE, free_of
from shared.cloudevents import Event
from shared.delivery.record import Record

ATTRIBUTE_MAX_CHARACTERS: Final = 512
"""Longest CloudEvents id and source: a request is known by them, and feedback refers to them."""
_TENANT: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?")


@dataclass(frozen=True, slots=True)
class Arrival:
    """A submission's envelope. `size` is that of the record's value, in bytes.

    `claimed_tenant` is what the sender wrote, None for nothing. `received_at` is when Kafka took
    the record, which a redelivery does not change; `now` is the moment of deciding.
    """

    id: str
    source: str
    claimed_tenant: str | None
    default_tenant: str
    size: int
    received_at: datetime
    now: datetime

    @classmethod
    def of(cls, event: Event, record: Record, default_tenant: str) -> Self:
        """Return the arrival of an event that came in `record`."""
        now, timestamp = datetime.now(UTC), record.timestamp
        # a topic that takes the sender's clock can hold any stamp, or none (-1)
        known = 0 <= timestamp <= now.timestamp() * 1000
        return cls(
            id=event.id,
            source=event.source,
            claimed_tenant=event.tenant,
            default_tenant=default_tenant,
            size=len(record.value or b""),
            received_at=datetime.fromtimestamp(timestamp / 1000, UTC) if known else now,
            now=now,
        )

    @property
    def tenant(self) -> str:
        """Whose event this is: the claimed tenant if it is a tenant's name, else the default."""
        claimed = self.claimed_tenant
        well_formed = claimed is not None and _TENANT.fullmatch(claimed)
        return claimed if claimed is not None and well_formed else self.default_tenant

    def sighting(self, key: bytes | None, offset: int) -> Sighting:
        """Return the request as the duplicates know it, from its record's key and offset."""
        return Sighting(key, self.source, self.id, self.received_at, offset)

    def check(self, most_bytes: int) -> None:
        """Object to a record that is too large, or an attribute that cannot be worked with."""
        if self.size > most_bytes:
            raise Objection(
                Code.TOO_LARGE,
                f"the record has {self.size:,} bytes: send {most_bytes:,} at most",
            )
        for name, attribute in (("id", self.id), ("source", self.source)):
            field = f"ce_{name}"
            free_of(LINE, attribute, field)
            if len(attribute) > ATTRIBUTE_MAX_CHARACTERS:
                raise Objection.too_long(field, ATTRIBUTE_MAX_CHARACTERS)
        if self.claimed_tenant not in (None, self.tenant):
            raise Objection(
                Code.TENANT_MALFORMED,
                "`ce_tenant` is not a tenant's name: send 1 to 64 letters, digits, '.', '_' or "
                "'-', the first and last a letter or digit, or no tenant for the default one",
                "ce_tenant",
            )
