from collections.abc import Collection
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import MessageSizeTooLargeError, TopicAuthorizationFailedError

from shared.delivery import transactions
from shared.delivery.errors import CommitError, FatalError
from shared.delivery.record import Output
from shared.delivery.transactions import Committed, KafkaTransactions
from shared.settings import Settings

SOURCE = TopicPartition("requests", 0)
OUTPUT = Output("results", b"key", b"{}", ())


class Producer:
    """Stands in for the real one: remembers its transactional ids, fails as it is told to."""

    made: list[str]
    fails: Exception | None = None

    def __init__(self, transactional_id: str, **_: Any) -> None:
        self.made.append(transactional_id)

    async def start(self, topics: Collection[str]) -> None: ...

    async def close(self) -> None: ...

    async def commit(self, *_: Any) -> None:
        if self.fails is not None:
            raise self.fails


class Admin:
    """An admin client whose coordinator is still loading: aiokafka makes nothing of that."""

    async def list_consumer_group_offsets(self, *_: Any, **__: Any) -> dict[Any, Any]:
        return {}


@pytest.fixture
def producer(monkeypatch: pytest.MonkeyPatch) -> type[Producer]:
    kind = type("Producer", (Producer,), {"made": []})
    monkeypatch.setattr(transactions, "TransactionalProducer", kind)
    return kind


def kafka() -> KafkaTransactions:
    return KafkaTransactions(
        SOURCE, group="ingest", settings=Settings(bootstrap_servers="nowhere"), admin=Admin()
    )


async def test_a_coordinator_that_is_still_loading_is_asked_again(producer: type[Producer]) -> None:
    with pytest.raises(CommitError, match="not to be had yet"):
        await kafka().start()
    assert producer.made == ["ingest-requests-0"]


@pytest.mark.parametrize("error", [MessageSizeTooLargeError(), TopicAuthorizationFailedError()])
async def test_what_kafka_will_refuse_again_stops_the_service_and_says_what_to_do(
    producer: type[Producer], error: Exception
) -> None:
    producer.fails = error
    owner = kafka()
    with pytest.raises(CommitError):
        await owner.start()
    with pytest.raises(FatalError, match=r"max\.message\.bytes of results"):
        await owner.commit([OUTPUT], Committed(1))
