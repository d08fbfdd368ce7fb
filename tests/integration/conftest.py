"""What integration tests share: a producer as any other system may have."""

from collections.abc import AsyncIterator

import pytest
from aiokafka import AIOKafkaProducer

from shared.settings import Settings


@pytest.fixture
async def producer(settings: Settings) -> AsyncIterator[AIOKafkaProducer]:
    async with AIOKafkaProducer(bootstrap_servers=settings.bootstrap_servers) as producer:
        yield producer
