"""What an entry's leaf says of its record, and whose data it is."""

from dataclasses import dataclass
from typing import Final

from services.audit.entry import Entry
from services.audit.tlog.leaf import MAX_ATTRIBUTE
from shared import cloudevents
from shared.cloudevents import UnreadableError

_STRUCTURED: Final = b"application/cloudevents"
_NAMES: Final = {
    "ce_id": "event_id",
    "ce_type": "type",
    "ce_tenant": "tenant",
    "ce_release": "release",
    "ce_subject": "subject",
}
_CONTENT_TYPE: Final = "content-type"


@dataclass(slots=True)
class Labels:
    """The attributes of a record's event, None where it does not say them."""

    event_id: str | None = None
    type: str | None = None
    tenant: str | None = None
    release: str | None = None
    subject: str | None = None

    @classmethod
    def of(cls, entry: Entry) -> "Labels":
        """Read the record as far as it can be read.

        In binary mode that is its headers alone: whose data an unreadable record is, they say all
        the same.
        """
        labels = cls()
        for name, value in entry.headers:
            if value is None:
                continue
            lower = name.lower()
            if (label := _NAMES.get(lower)) is not None:
                text = value.decode(errors="replace")
                if label == "subject":
                    labels.subject = text or None
                elif len(text) <= MAX_ATTRIBUTE:
                    setattr(labels, label, text)
            elif lower == _CONTENT_TYPE and value.lstrip().lower().startswith(_STRUCTURED):
                return cls._of_envelope(entry)
        return labels

    @classmethod
    def _of_envelope(cls, entry: Entry) -> "Labels":
        try:
            event = cloudevents.read(entry.value, entry.headers)
        except UnreadableError:
            plain = tuple(h for h in entry.headers if h[0].lower() != _CONTENT_TYPE)
            return cls.of(Entry(entry.position, entry.key, plain, entry.value))
        return cls(
            event_id=_short(event.id),
            type=_short(event.type),
            tenant=_short(event.tenant),
            release=_short(event.extensions.get("release")),
            subject=event.subject,
        )


def _short(text: str | None) -> str | None:
    return None if text is None or len(text) > MAX_ATTRIBUTE else text
