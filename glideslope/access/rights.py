"""A right on a Kafka cluster, in Kafka's own terms.

https://kafka.apache.org/documentation/#operations_resources_and_protocols says which operation each
request needs. Read and Write imply Describe.
"""

from dataclasses import dataclass, replace
from enum import StrEnum


class Kind(StrEnum):
    """What a right is on, as Kafka's authorizer calls it."""

    TOPIC = "Topic"
    GROUP = "Group"
    TRANSACTIONAL_ID = "TransactionalId"


class Operation(StrEnum):
    """What may be done, as Kafka's authorizer calls it."""

    READ = "Read"
    WRITE = "Write"
    CREATE = "Create"
    DESCRIBE = "Describe"
    DESCRIBE_CONFIGS = "DescribeConfigs"


@dataclass(frozen=True, slots=True, order=True)
class Right:
    """One operation on one resource, or with `is_prefix` on all whose names begin so."""

    kind: Kind
    name: str
    operation: Operation
    is_prefix: bool = False


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody who connects to Kafka: a service, or a role of people and foreign systems.

    `rights` are sorted, and all there is: what is not in them is refused.
    """

    name: str
    about: str
    rights: tuple[Right, ...]
    is_service: bool = False

    def may(self, operation: Operation, kind: Kind, name: str) -> bool:
        """Whether a right says so; `name` is the resource's name on the cluster."""
        implying = {operation}
        if operation is Operation.DESCRIBE:
            implying |= {Operation.READ, Operation.WRITE}
        return any(
            right.kind is kind
            and right.operation in implying
            and (name.startswith(right.name) if right.is_prefix else name == right.name)
            for right in self.rights
        )

    def called(self, name: str) -> "Principal":
        """Return one of the same rights under another name."""
        return replace(self, name=name)
