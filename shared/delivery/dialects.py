"""The two ways to speak of a transaction: aiokafka's requests, and those of KIP-890.

In the older one partitions and group are added to a transaction beforehand. From Apache Kafka 4.0
with `transaction.version` 2 on it is writing to a partition or committing an offset that adds it,
and the end gives the producer its next epoch. aiokafka has no requests of that version: they are
here, with the names and fields of Kafka's protocol (https://kafka.apache.org/protocol).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Final

from aiokafka.protocol import produce, transaction
from aiokafka.protocol.api import Request, RequestStruct, Response, ResponseHeader_v0
from aiokafka.protocol.types import (
    Boolean,
    CompactArray,
    CompactBytes,
    CompactString,
    Int16,
    Int32,
    Int64,
    Schema,
    TaggedFields,
)

_TAGS: Final = ("tags", TaggedFields)
_NONE: Final[Mapping[int, bytes]] = {}
_FINALIZED: Final = 2  # tag of the features that all brokers of a cluster have agreed on
_FEATURES: Final = CompactArray(("name", CompactString()), ("most", Int16), ("least", Int16), _TAGS)
_ADDS_ITSELF: Final = 2  # as `transaction.version` has it
_NO_GENERATION: Final = -1
_NO_LEADER_EPOCH: Final = -1


def _by_partition(name: str, *fields: tuple[str, Any]) -> tuple[str, CompactArray]:
    """Return a field that has `fields` for each partition of each topic."""
    partitions = CompactArray(("partition", Int32), *fields, _TAGS)
    return name, CompactArray(("topic", CompactString()), ("partitions", partitions), _TAGS)


class _FeaturesResponse(Response):
    API_KEY = 18
    API_VERSION = 3
    SCHEMA = Schema(
        ("error_code", Int16),
        (
            "api_versions",
            CompactArray(("api_key", Int16), ("least", Int16), ("most", Int16), _TAGS),
        ),
        ("throttle_time_ms", Int32),
        _TAGS,
    )


class _FeaturesRequest(RequestStruct):
    FLEXIBLE_VERSION = True
    API_KEY = 18
    API_VERSION = 3
    RESPONSE_TYPE = _FeaturesResponse
    SCHEMA = Schema(("client", CompactString()), ("client_version", CompactString()), _TAGS)

    def parse_response_header(self, read_buffer: BytesIO | bytes) -> ResponseHeader_v0:
        """Return the header, the plain one: a client reads it before it knows any version."""
        return ResponseHeader_v0.decode(read_buffer)


class _ProduceResponse(Response):
    API_KEY = 0
    API_VERSION = 12
    SCHEMA = Schema(
        _by_partition(
            "topics",
            ("error_code", Int16),
            ("offset", Int64),
            ("timestamp", Int64),
            ("log_start_offset", Int64),
            (
                "record_errors",
                CompactArray(("batch_index", Int32), ("message", CompactString()), _TAGS),
            ),
            ("error_message", CompactString()),
        ),
        ("throttle_time_ms", Int32),
        _TAGS,
    )


class _ProduceRequest(RequestStruct):
    FLEXIBLE_VERSION = True
    API_KEY = 0
    API_VERSION = 12
    RESPONSE_TYPE = _ProduceResponse
    SCHEMA = Schema(
        ("transactional_id", CompactString()),
        ("required_acks", Int16),
        ("timeout", Int32),
        _by_partition("topics", ("records", CompactBytes)),
        _TAGS,
    )


class _TxnOffsetCommitResponse(Response):
    API_KEY = 28
    API_VERSION = 5
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        _by_partition("errors", ("error_code", Int16)),
        _TAGS,
    )


class _TxnOffsetCommitRequest(RequestStruct):
    FLEXIBLE_VERSION = True
    API_KEY = 28
    API_VERSION = 5
    RESPONSE_TYPE = _TxnOffsetCommitResponse
    SCHEMA = Schema(
        ("transactional_id", CompactString()),
        ("group_id", CompactString()),
        ("producer_id", Int64),
        ("producer_epoch", Int16),
        ("generation_id", Int32),
        ("member_id", CompactString()),
        ("group_instance_id", CompactString()),
        _by_partition(
            "topics", ("offset", Int64), ("leader_epoch", Int32), ("metadata", CompactString())
        ),
        _TAGS,
    )


class _EndTxnResponse(Response):
    API_KEY = 26
    API_VERSION = 5
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("error_code", Int16),
        ("producer_id", Int64),
        ("producer_epoch", Int16),
        _TAGS,
    )


class _EndTxnRequest(RequestStruct):
    FLEXIBLE_VERSION = True
    API_KEY = 26
    API_VERSION = 5
    RESPONSE_TYPE = _EndTxnResponse
    SCHEMA = Schema(
        ("transactional_id", CompactString()),
        ("producer_id", Int64),
        ("producer_epoch", Int16),
        ("committed", Boolean),
        _TAGS,
    )


class FeaturesRequest(Request[_FeaturesRequest]):
    """ApiVersions, asked for the features of the cluster: see `spoken`."""

    API_KEY = 18

    def build(self, request_struct_class: type[_FeaturesRequest]) -> _FeaturesRequest:
        """Return it as it is sent."""
        return request_struct_class("glideslope", "1", _NONE)


class ProduceRequest(Request[_ProduceRequest]):
    """Writes batches, by topic and partition, and adds their partitions to the transaction."""

    API_KEY = 0

    def __init__(
        self,
        transactional_id: str,
        required_acks: int,
        timeout_ms: int,
        topics: Sequence[tuple[str, Sequence[tuple[int, bytes]]]],
    ) -> None:
        self.required_acks = required_acks  # aiokafka's client looks whether there is an answer
        self._of = (transactional_id, required_acks, timeout_ms)
        self._topics = topics

    def build(self, request_struct_class: type[_ProduceRequest]) -> _ProduceRequest:
        """Return it as it is sent."""
        topics = [
            (topic, [(*written, _NONE) for written in each], _NONE) for topic, each in self._topics
        ]
        return request_struct_class(*self._of, topics, _NONE)


class TxnOffsetCommitRequest(Request[_TxnOffsetCommitRequest]):
    """Commits offsets with their metadata, and adds the group to the transaction."""

    API_KEY = 28

    def __init__(
        self,
        transactional_id: str,
        group: str,
        producer_id: int,
        producer_epoch: int,
        topics: Sequence[tuple[str, Sequence[tuple[int, int, str]]]],
    ) -> None:
        self._of = (transactional_id, group, producer_id, producer_epoch)
        self._topics = topics

    def build(self, request_struct_class: type[_TxnOffsetCommitRequest]) -> _TxnOffsetCommitRequest:
        """Return it as it is sent: of no member, for it is the producer's epoch that fences."""
        topics = [
            (
                topic,
                [(number, offset, _NO_LEADER_EPOCH, said, _NONE) for number, offset, said in each],
                _NONE,
            )
            for topic, each in self._topics
        ]
        return request_struct_class(*self._of, _NO_GENERATION, "", None, topics, _NONE)


class EndTxnRequest(Request[_EndTxnRequest]):
    """Ends the transaction; the answer has the producer's id and epoch for the next."""

    API_KEY = 26

    def __init__(
        self, transactional_id: str, producer_id: int, producer_epoch: int, committed: bool
    ) -> None:
        self._of = (transactional_id, producer_id, producer_epoch, committed)

    def build(self, request_struct_class: type[_EndTxnRequest]) -> _EndTxnRequest:
        """Return it as it is sent."""
        return request_struct_class(*self._of, _NONE)


@dataclass(frozen=True, slots=True)
class Dialect:
    """The requests of a transaction; `adds` where they add what they are about to it."""

    adds: bool
    produce: type[Any]
    commit_offset: type[Any]
    end: type[Any]


EXPLICIT: Final = Dialect(
    adds=False,
    produce=produce.ProduceRequest,
    commit_offset=transaction.TxnOffsetCommitRequest,
    end=transaction.EndTxnRequest,
)
IMPLICIT: Final = Dialect(
    adds=True, produce=ProduceRequest, commit_offset=TxnOffsetCommitRequest, end=EndTxnRequest
)


def spoken(answer: Any) -> Dialect:
    """Return what the cluster that gave this answer to `FeaturesRequest` speaks."""
    features = answer.tags.get(_FINALIZED)
    if features is None:
        return EXPLICIT
    named = {name: most for name, most, *_ in _FEATURES.decode(BytesIO(features)) or ()}
    return IMPLICIT if named.get("transaction.version", 0) >= _ADDS_ITSELF else EXPLICIT
