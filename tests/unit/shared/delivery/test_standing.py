from dataclasses import replace

import pytest

from shared.delivery.observer import Stillness
from shared.delivery.standing import PartitionStanding, Standing, not_ready

MOVING = PartitionStanding(
    "requests-0", is_open=True, position=7, lag=3, in_flight=1, still_seconds=299, patience=300
)
READY = Standing(is_assigned=True, partitions=(MOVING,), silence_limit=10)


@pytest.mark.parametrize(
    "standing",
    [
        READY,
        replace(READY, partitions=()),
        replace(READY, partitions=(replace(MOVING, lag=None, still_seconds=900),)),
        replace(READY, partitions=(replace(MOVING, lag=0, still_seconds=900),)),
        replace(READY, silent_seconds=10),
    ],
    ids=[
        "a partition with lag that moves",
        "no partition, because there are more processes than partitions",
        "a partition whose lag is not known yet",
        "a partition without lag, however long it stands",
        "Kafka silent for no longer than is all right",
    ],
)
def test_a_service_is_ready_with(standing: Standing) -> None:
    assert not_ready(standing) == []


@pytest.mark.parametrize(
    ("standing", "told"),
    [
        (Standing(), [("not_assigned", None)]),
        (replace(READY, is_stopping=True), [("stopping", None)]),
        (replace(READY, is_stopping=True, is_assigned=False), [("stopping", None)]),
        (replace(READY, silent_seconds=11), [("kafka_silent", None)]),
        (
            replace(READY, down=("index", "model")),
            [("dependency_down", "index"), ("dependency_down", "model")],
        ),
        (replace(READY, own="the index is 7 documents behind"), [("service", None)]),
        (
            replace(READY, partitions=(MOVING, PartitionStanding("requests-1", is_open=False))),
            [("not_open", "requests-1")],
        ),
        (
            replace(READY, partitions=(replace(MOVING, still_seconds=301), MOVING)),
            [("stalled", "requests-0")],
        ),
        (
            replace(
                READY, down=("model",), partitions=(replace(MOVING, still_seconds=301), MOVING)
            ),
            [("dependency_down", "model"), ("stalled", "requests-0")],
        ),
    ],
    ids=[
        "it is not assigned anything yet",
        "it drains",
        "it drains and has let its partitions go",
        "Kafka does not answer",
        "dependencies are down",
        "the service itself has a reason",
        "a partition is being taken over",
        "a partition stands still with lag",
        "two things at once",
    ],
)
def test_a_service_is_not_ready_when(
    standing: Standing, told: list[tuple[str, str | None]]
) -> None:
    assert [(reason.code, reason.about) for reason in not_ready(standing)] == told


def test_a_reason_says_what_an_operator_needs() -> None:
    stalled = replace(READY, partitions=(replace(MOVING, still_seconds=301.4),))
    (reason,) = not_ready(stalled)
    assert reason.message == "at offset 7 for 301 s with a lag of 3 and 1 in flight"


def test_stillness_counts_from_when_there_was_lag_and_starts_again_with_every_move() -> None:
    stillness = Stillness()
    stillness.saw(5, 0, now=100)
    stillness.saw(5, 0, now=200)
    stillness.saw(5, 2, now=201)
    stillness.saw(5, 3, now=230)
    assert stillness.seconds(240) == 40
    stillness.saw(6, 2, now=250)
    assert stillness.seconds(250) == 0
    stillness.saw(6, 2, now=260)
    assert stillness.seconds(270) == 20
