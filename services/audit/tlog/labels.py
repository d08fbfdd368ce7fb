"""What an entry's leaf says of its record, and whose data it is."""

from dataclasses import dataclass

from services.audit.entry import Entry
from services.audit.tlog.leaf import MAX_ATTRIBUTE
from shared import cloudevents
from shared.cloudevents import UnreadableError


@dataclass(frozen=True, slots=True)
class Labels:
    """The attributes of a record's event, None where it does not say them or is no event."""

    event_id: str | None = None
    type: str | None = None
    tenant: str | None = None
    release: str | None = None
    subject: str | None = None

    @classmethod
    def of(cls, entry: Entry) -> "Labels":
        """Read the record, as far as it can be read."""
        try:
            event = cloudevents.read(entry.value, entry.headers)
        except UnreadableError:
            return cls._of_headers(entry)
        return cls(
            event_id=_short(event.id),
            type=_short(event.type),
            tenant=_short(event.tenant),
            release=_short(event.extensions.get("release")),
            subject=event.subject,
        )

    @classmethod
    def _of_headers(cls, entry: Entry) -> "Labels":
        """Whose data an unreadable record is, its headers may say all the same."""
        texts = {
            name.lower(): value.decode(errors="replace")
            for name, value in entry.headers
            if value is not None
        }
        return cls(tenant=_short(texts.get("ce_tenant")), subject=texts.get("ce_subject"))


def _short(text: str | None) -> str | None:
    return None if text is None or len(text) > MAX_ATTRIBUTE else text
