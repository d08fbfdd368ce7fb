from itertools import pairwise
from pathlib import Path

import pytest

from glideslope.sizing import Demand, Measured, Rules, Size

ONE_CORE_A_SECOND = Measured(
    ingest_ms=100, inference_ms=200, validator_ms=300, audit_ms=400, broker_ms=100
)


def test_a_small_demand_gets_what_survives_the_loss_of_one() -> None:
    found = Size(Demand(1_000))

    assert set(found.replicas.values()) == {2}
    assert (found.partitions, found.brokers) == (6, 3)


def test_each_service_gets_the_cores_that_the_peak_takes_and_room_beside() -> None:
    demand = Demand(864_000, peak=10, model_seconds=0)  # 100 a second at its peak

    found = Size(demand, ONE_CORE_A_SECOND, Rules(busy=0.5))

    assert found.peak == pytest.approx(100)
    assert found.replicas == {
        "ingest": 20,
        "inference": 40,
        "validator": 60,
        "audit": 80,
        "review": 2,
    }
    assert found.partitions == 192  # the next step over twice 80
    assert found.brokers == max(30, -(-33 * 192 * 3 // 1000))


def test_inference_is_sized_by_what_waits_for_its_model_where_that_is_more() -> None:
    demand = Demand(864_000, peak=10, model_seconds=8)

    waiting = Size(demand, rules=Rules(busy=0.5, slots=32)).replicas["inference"]

    assert waiting == 50  # 800 at once, 16 a process


def test_the_bill_is_the_sum_of_its_parts_and_each_step_is_told() -> None:
    found = Size(Demand(100_000, model_usd=0.01))

    assert found.total == sum(found.dollars.values())
    assert found.dollars["models"] == pytest.approx(100_000 * 30.4 * 0.01)
    told = "\n".join(found.steps())
    assert "100,000 questions / 86,400 s x 10 = 11.57 requests/s" in told
    assert all(name in told for name in ("ingest", "inference", "validator", "audit", "brokers"))


def test_more_questions_never_need_less() -> None:
    sizes = [Size(Demand(questions)) for questions in (1e3, 1e4, 1e5, 1e6, 1e7)]

    for smaller, larger in pairwise(sizes):
        assert smaller.partitions <= larger.partitions
        assert smaller.brokers <= larger.brokers
        assert smaller.total < larger.total


@pytest.mark.parametrize("questions", [10_000, 100_000, 1_000_000, 10_000_000])
def test_the_page_says_what_the_command_says(questions: int) -> None:
    found = Size(Demand(questions))
    page = (Path(__file__).parents[3] / "docs" / "sizing.md").read_text()

    processes = " / ".join(str(count) for count in found.replicas.values())
    assert (
        f"| {questions:,} | {found.peak:,.1f} | {processes} | {found.partitions} | "
        f"{found.brokers} | {found.topics_gb:,.0f} | {found.audit_gb:,.0f} | {found.total:,.0f} |"
    ) in page
