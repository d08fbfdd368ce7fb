"""Rights on Kafka as Amazon MSK reads them, where clients log on with IAM.

Source: the MSK developer guide, "Semantics of IAM authorization policy actions and resources".
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from glideslope.access.aws.estate import Estate
from glideslope.access.aws.policy import Statement
from glideslope.access.rights import Kind, Operation, Right

_KINDS: Final[Mapping[Kind, str]] = {
    Kind.TOPIC: "topic",
    Kind.GROUP: "group",
    Kind.TRANSACTIONAL_ID: "transactional-id",
}
_ACTIONS: Final[Mapping[tuple[Kind, Operation], tuple[str, ...]]] = {
    (Kind.TOPIC, Operation.READ): ("DescribeTopic", "ReadData"),
    (Kind.TOPIC, Operation.WRITE): ("DescribeTopic", "WriteData"),
    (Kind.TOPIC, Operation.CREATE): ("CreateTopic",),
    (Kind.TOPIC, Operation.DESCRIBE): ("DescribeTopic",),
    (Kind.TOPIC, Operation.DESCRIBE_CONFIGS): ("DescribeTopicDynamicConfiguration",),
    (Kind.GROUP, Operation.READ): ("AlterGroup", "DescribeGroup"),
    (Kind.GROUP, Operation.DESCRIBE): ("DescribeGroup",),
    (Kind.TRANSACTIONAL_ID, Operation.WRITE): (
        "AlterTransactionalId",
        "DescribeTransactionalId",
    ),
}


def statements(rights: Iterable[Right], estate: Estate) -> Iterator[Statement]:
    """Yield what lets somebody connect and have these rights.

    What may be done with the very same resources is one statement: IAM counts characters.
    """
    resources: dict[tuple[Kind, Operation], list[str]] = defaultdict(list)
    for right in rights:
        name = f"{right.name}*" if right.is_prefix else right.name
        resources[right.kind, right.operation].append(estate.kafka(_KINDS[right.kind], name))
    alike: dict[tuple[str, ...], list[tuple[Kind, Operation]]] = defaultdict(list)
    for use, arns in sorted(resources.items()):
        alike[tuple(sorted(arns))].append(use)

    writes = any(operation is Operation.WRITE for _, operation in resources)
    own = ("Connect", "WriteDataIdempotently") if writes else ("Connect",)
    yield Statement("KafkaConnect", _on_kafka(own), (estate.kafka("cluster"),))
    for arns_alike, uses in alike.items():
        sid = f"Kafka{uses[0][0]}" + "".join(operation for _, operation in uses)
        actions = sorted({action for use in uses for action in _ACTIONS[use]})
        yield Statement(sid, _on_kafka(actions), arns_alike)


def _on_kafka(actions: Iterable[str]) -> tuple[str, ...]:
    return tuple(f"kafka-cluster:{action}" for action in actions)
