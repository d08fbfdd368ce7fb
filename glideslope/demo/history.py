"""What the audit log on disk holds of one request, read as an auditor would."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from glideslope.audit.history import request_in
from glideslope.audit.summary import summary
from glideslope.identity import RequestName
from services.audit.adapters.stores import read
from services.audit.tlog.keystore import KeyReader
from shared.topics import Topic


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """One entry of an audit log: its index there, when Kafka took the record, what happened."""

    index: int
    at: datetime
    topic: str
    summary: str


def history(
    log: Path, keys: KeyReader, request: RequestName, names: Mapping[str, Topic]
) -> list[HistoryLine]:
    """Return the entries about one request in the log in folder `log`, in the log's order.

    `names` maps the topics' names on the cluster to the topics. What the keys do not open is
    passed over. Raises `DamagedError`.
    """
    return [
        HistoryLine(
            index=index,
            at=datetime.fromtimestamp(entry.position.timestamp / 1000, UTC),
            topic=names[entry.position.topic].name,
            summary=summary(names[entry.position.topic], entry),
        )
        for index, entry in read(log, keys)
        if request_in(entry, names) == request
    ]
