"""Asks a cluster everything as one user, and tells what it was refused.

Each operation is asked for in a request that needs it and no other, and that changes nothing
where it is allowed (a batch of one record is written). Whatever the answer says but 'not
authorized' means that the authorizer let it pass.
"""

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

from aiokafka.client import AIOKafkaClient
from aiokafka.protocol.admin import (
    AlterConfigsRequest,
    CreateAclsRequest,
    CreateTopicsRequest,
    DeleteGroupsRequest,
    DeleteTopicsRequest,
    DescribeAclsRequest,
    DescribeConfigsRequest,
    DescribeGroupsRequest,
)
from aiokafka.protocol.coordination import FindCoordinatorRequest
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.protocol.group import HeartbeatRequest
from aiokafka.protocol.metadata import MetadataRequest
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.protocol.transaction import InitProducerIdRequest
from aiokafka.protocol.types import Array, Schema
from aiokafka.record.default_records import DefaultRecordBatchBuilder

from shared.connection import connection
from shared.settings import Settings

Asked = tuple[str, str, str]
"""Operation, kind of resource, name of resource."""

_TOPIC, _GROUP, _CLUSTER, _WRITER = 29, 30, 31, 53  # Kafka's codes of 'not authorized'
_REFUSED: Final = {_TOPIC, _GROUP, _CLUSTER, _WRITER}
_TOPIC_TYPE, _BROKER_TYPE = 2, 4
_LITERAL, _ALL, _ALLOW = 3, 2, 3


class Probe:
    """One user's connection."""

    def __init__(self, client: AIOKafkaClient) -> None:
        self._client = client

    async def topics(self, names: list[str]) -> dict[Asked, bool]:
        """Say of each operation on each topic whether it is allowed."""
        configurations = [(_TOPIC_TYPE, name, None) for name in names]
        everything = [(name, [(0, 0, 1024)]) for name in names]
        record = [(name, [(0, _record())]) for name in names]
        requests: Mapping[str, Any] = {
            "Describe": MetadataRequest(names, allow_auto_topic_creation=False),
            "Read": FetchRequest(0, 0, 1024, 0, everything),
            "Write": ProduceRequest(None, 1, 5000, record),
            "Create": CreateTopicsRequest(
                [(name, 1, 1, [], []) for name in names], 5000, validate_only=True
            ),
            "DescribeConfigs": DescribeConfigsRequest(configurations),
            "AlterConfigs": AlterConfigsRequest(
                [(_TOPIC_TYPE, name, [("retention.ms", "1")]) for name in names],
                validate_only=True,
            ),
            "Delete": DeleteTopicsRequest(names, 5000),
        }
        answers: dict[Asked, bool] = {}
        for operation, request in requests.items():
            codes = _by_name(await self._ask(request), set(names))
            assert codes.keys() == set(names), f"{operation} was not answered for all: {codes}"
            answers |= {(operation, "Topic", name): allowed for name, allowed in codes.items()}
        return answers

    async def groups(self, names: Iterable[str]) -> dict[Asked, bool]:
        """Say the same of consumer groups."""
        answers: dict[Asked, bool] = {}
        for name in names:
            requests: Mapping[str, Any] = {
                "Describe": DescribeGroupsRequest([name]),
                "Read": HeartbeatRequest(name, 0, ""),
                "Delete": DeleteGroupsRequest([name]),
            }
            for operation, request in requests.items():
                answers[operation, "Group", name] = await self._passes(request)
        return answers

    async def writers(self, names: Iterable[str]) -> dict[Asked, bool]:
        """Say the same of transactional ids."""
        answers: dict[Asked, bool] = {}
        for name in names:
            requests: Mapping[str, Any] = {
                "Describe": FindCoordinatorRequest(name, 1),
                "Write": InitProducerIdRequest(name, 5000),
            }
            for operation, request in requests.items():
                answers[operation, "TransactionalId", name] = await self._passes(request)
        return answers

    async def cluster(self) -> dict[Asked, bool]:
        """Say the same of what would change everybody's rights, or the broker itself."""
        acl = (_TOPIC_TYPE, "any", _LITERAL, "User:nobody", "*", _ALL, _ALLOW)
        requests: Mapping[str, Any] = {
            "Describe": DescribeAclsRequest(_TOPIC_TYPE, "any", _LITERAL, "User:x", "*", 1, 1),
            "Alter": CreateAclsRequest(*acl),
            "AlterConfigs": AlterConfigsRequest(
                [(_BROKER_TYPE, "1", [("log.cleaner.threads", "1")])],
                validate_only=True,
            ),
        }
        return {
            (operation, "Cluster", "kafka-cluster"): await self._passes(request)
            for operation, request in requests.items()
        }

    async def _passes(self, request: Any) -> bool:
        return not _REFUSED & set(_codes(await self._ask(request)))

    async def _ask(self, request: Any) -> Any:
        answer = await self._client.send(self._client.get_random_node(), request)
        return {
            name: _plain(kind, getattr(answer, name))
            for name, kind in zip(answer.SCHEMA.names, answer.SCHEMA.fields, strict=True)
        }


@asynccontextmanager
async def probing(settings: Settings) -> AsyncIterator[Probe]:
    """Log on."""
    client = AIOKafkaClient(**connection(settings))
    await client.bootstrap()
    try:
        yield Probe(client)
    finally:
        await client.close()


def _record() -> bytes:
    batch = DefaultRecordBatchBuilder(
        magic=2,
        compression_type=0,
        is_transactional=0,
        producer_id=-1,
        producer_epoch=-1,
        base_sequence=-1,
        batch_size=1024,
    )
    batch.append(0, timestamp=1, key=b"k", value=b"v", headers=[])
    return bytes(batch.build())


def _plain(kind: Any, value: Any) -> Any:
    """Return a part of an answer by its names; aiokafka's own way stumbles over lists left out."""
    if isinstance(kind, Array):
        return [_plain(kind.array_of, each) for each in value or ()]
    if isinstance(kind, Schema):
        return {
            name: _plain(each, part)
            for name, each, part in zip(kind.names, kind.fields, value, strict=True)
        }
    return value


def _codes(answer: Any) -> list[int]:
    """Return every error code of an answer."""
    if isinstance(answer, Mapping):
        own = [value for name, value in answer.items() if name == "error_code"]
        return own + [code for value in answer.values() for code in _codes(value)]
    if isinstance(answer, list | tuple):
        return [code for value in answer for code in _codes(value)]
    return []


def _by_name(answer: Any, names: set[str]) -> dict[str, bool]:
    """Return for each name of an answer whether what stands beside and below it is no refusal."""
    if isinstance(answer, list | tuple):
        return {name: each for value in answer for name, each in _by_name(value, names).items()}
    if not isinstance(answer, Mapping):
        return {}
    mine = [value for value in answer.values() if isinstance(value, str) and value in names]
    if mine:
        return {mine[0]: not _REFUSED & set(_codes(answer))}
    return _by_name(list(answer.values()), names)
