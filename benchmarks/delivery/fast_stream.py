"""Contender: FastStream's own loop. Arguments: SERVERS IN OUT [MAX_WORKERS]."""

import asyncio
import sys
from typing import Any

from faststream import FastStream
from faststream.kafka import KafkaBroker, KafkaMessage

from benchmarks.delivery.model import Submitted, Wrapped, seconds_of, wrapped


def app(servers: str, source: str, target: str, workers: int | None) -> FastStream:
    """Return the app as FastStream's documentation writes it, with the key kept."""
    broker = KafkaBroker(servers, logger=None, acks="all")
    publisher = broker.publisher(target, schema=Wrapped)
    options: Any = {} if workers is None else {"max_workers": workers}
    subscriber: Any = broker.subscriber(
        source, group_id=f"{source}.fs", auto_offset_reset="earliest", **options
    )

    @subscriber  # type: ignore[untyped-decorator] # its type hangs on the options
    async def relay(submitted: Submitted, message: KafkaMessage) -> None:
        if seconds := seconds_of(submitted.question):
            await asyncio.sleep(seconds)
        raw: Any = message.raw_message
        await publisher.publish(wrapped(submitted), key=raw.key, headers=message.headers)

    return FastStream(broker, logger=None)


if __name__ == "__main__":
    count = int(sys.argv[4]) if len(sys.argv) > 4 else None  # noqa: PLR2004 - the usage above
    asyncio.run(app(sys.argv[1], sys.argv[2], sys.argv[3], count).run())
