"""Contender: a bare aiokafka relay, without transactions. Arguments: SERVERS IN OUT."""

import asyncio
import sys

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from benchmarks.delivery.model import Submitted, wrapped


async def relay(servers: str, source: str, target: str) -> None:
    """Relay until killed: at least once, offsets committed after each batch."""
    producer = AIOKafkaProducer(bootstrap_servers=servers, acks="all")
    consumer = AIOKafkaConsumer(
        source,
        bootstrap_servers=servers,
        group_id=f"{source}.bare",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    await producer.start()
    await consumer.start()
    while True:
        sent = [
            await producer.send(
                target,
                key=record.key,
                value=wrapped(Submitted.model_validate_json(record.value))
                .model_dump_json()
                .encode(),
                partition=record.partition,
                headers=list(record.headers),
            )
            for records in (await consumer.getmany(timeout_ms=500, max_records=500)).values()
            for record in records
        ]
        if sent:
            await asyncio.gather(*sent)
            await consumer.commit()


if __name__ == "__main__":
    asyncio.run(relay(*sys.argv[1:4]))
