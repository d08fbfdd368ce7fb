"""Which of its two ways a producer speaks to a broker, by what the broker was formatted for."""

import pytest
from aiokafka.client import AIOKafkaClient

from shared.delivery import dialects
from tests.chaos.conftest import TRANSACTION_VERSION, BrittleBroker, only_full

pytestmark = [pytest.mark.kafka, only_full]


async def test_a_broker_is_spoken_to_in_the_way_that_it_was_formatted_for(
    brittle: BrittleBroker,
) -> None:
    client = AIOKafkaClient(bootstrap_servers=brittle.direct)
    await client.bootstrap()
    try:
        answer = await client.send(client.get_random_node(), dialects.FeaturesRequest())
    finally:
        await client.close()
    newest = dialects.IMPLICIT if TRANSACTION_VERSION is None else dialects.EXPLICIT
    assert dialects.spoken(answer) is newest
