"""Topics and users as Strimzi's custom resources (API `kafka.strimzi.io/v1`)."""

import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any, Final, Literal

from glideslope.access.rights import Kind, Principal, Right
from glideslope.topics import configuration
from shared import topics
from shared.settings import Settings

API: Final = "kafka.strimzi.io/v1"
Authentication = Literal["scram-sha-512", "tls", "tls-external"]

_TYPES: Final = {
    Kind.TOPIC: "topic",
    Kind.GROUP: "group",
    Kind.TRANSACTIONAL_ID: "transactionalId",
}
_NAME_MAX: Final = 253  # of a Kubernetes object


def kafka_topics(settings: Settings, cluster: str, replicas: int) -> Iterator[dict[str, Any]]:
    """Yield a `KafkaTopic` for every topic of the pipeline."""
    for topic in topics.ALL:
        name = settings.topic(topic)
        yield {
            **_head("KafkaTopic", name, cluster),
            "spec": {
                "topicName": name,
                "partitions": settings.partitions,
                "replicas": replicas,
                "config": configuration(topic, replicas),
            },
        }


def kafka_users(
    principals: Iterable[Principal], cluster: str, authentication: Authentication
) -> Iterator[dict[str, Any]]:
    """Yield a `KafkaUser` for every principal."""
    for principal in principals:
        yield {
            **_head("KafkaUser", principal.name, cluster),
            "spec": {
                "authentication": {"type": authentication},
                "authorization": {"type": "simple", "acls": list(_acls(principal.rights))},
            },
        }


def _acls(rights: Iterable[Right]) -> Iterator[dict[str, Any]]:
    for (kind, name, is_prefix), alike in groupby(sorted(rights, key=_on), key=_on):
        pattern = "prefix" if is_prefix else "literal"
        yield {
            "resource": {"type": _TYPES[kind], "name": name, "patternType": pattern},
            "operations": [right.operation.value for right in alike],
        }


def _on(right: Right) -> tuple[Kind, str, bool]:
    return right.kind, right.name, right.is_prefix


def _head(kind: str, name: str, cluster: str) -> dict[str, Any]:
    return {
        "apiVersion": API,
        "kind": kind,
        "metadata": {"name": _object_name(name), "labels": {"strimzi.io/cluster": cluster}},
    }


def _object_name(name: str) -> str:
    """Return a name that Kubernetes takes: RFC 1123, in lower case."""
    return re.sub(r"[^a-z0-9.-]", "-", name.lower()).strip("-.")[:_NAME_MAX]
