"""How a service stands: whether it is ready, and why not."""

from collections.abc import Iterator
from dataclasses import dataclass

from shared.health import Reason


@dataclass(frozen=True, slots=True)
class PartitionStanding:
    """How one assigned partition stands.

    `position` is the group's committed offset. `lag` is None until it is known. `still_seconds` is
    for how long the position has not moved although there was lag, `patience` how long that is
    all right, both in seconds. `is_open` says whether records are taken.
    """

    name: str
    is_open: bool
    position: int = 0
    lag: int | None = None
    in_flight: int = 0
    still_seconds: float = 0.0
    patience: float = 0.0


@dataclass(frozen=True, slots=True)
class Standing:
    """How a service stands. A member of the group without a partition is as ready as any other.

    `silent_seconds` is for how long Kafka has not answered, `silence_limit` how long that is all
    right. `down` names the dependencies that records are held back for. `own` is what the
    service itself says is in the way.
    """

    is_stopping: bool = False
    is_assigned: bool = False
    partitions: tuple[PartitionStanding, ...] = ()
    silent_seconds: float = 0.0
    silence_limit: float = 0.0
    down: tuple[str, ...] = ()
    own: str | None = None


def not_ready(standing: Standing) -> list[Reason]:
    """Return every reason why the service is not ready; none if it is."""
    return list(_reasons(standing))


def _reasons(standing: Standing) -> Iterator[Reason]:
    if standing.is_stopping:
        yield Reason("stopping", "the service drains and takes no new records")
    elif not standing.is_assigned:
        yield Reason("not_assigned", "the service starts, or waits for the group to rebalance")
    if standing.silent_seconds > standing.silence_limit:
        yield Reason("kafka_silent", f"Kafka has not answered for {standing.silent_seconds:.0f} s")
    for dependency in standing.down:
        yield Reason("dependency_down", "records are held back until it is back", about=dependency)
    if standing.own is not None:
        yield Reason("service", standing.own)
    for partition in standing.partitions:
        if not partition.is_open:
            yield Reason("not_open", "the partition is being taken over", about=partition.name)
        elif partition.lag and partition.still_seconds > partition.patience:
            yield Reason(
                "stalled",
                f"at offset {partition.position} for {partition.still_seconds:.0f} s with a lag of "
                f"{partition.lag} and {partition.in_flight} in flight",
                about=partition.name,
            )
