"""A reviewer's decision is published once, wherever its process is killed on the way."""

import asyncio
import sys
from collections import Counter
from pathlib import Path

import pytest

from glideslope import cluster
from glideslope.stack import settings_environment
from shared import topics as pipeline
from shared.events import ReviewDecided
from shared.settings import Settings

pytestmark = [pytest.mark.kafka, pytest.mark.chaos, pytest.mark.usefixtures("topics")]

SCRIPT = Path(__file__).with_name("one_reviewer.py")
STEPS = (
    "in the database's transaction",
    "decided",
    "a batch is made",
    "records are written",
    "Kafka has committed",
    "the database knows",
)


async def test_a_decision_is_neither_lost_nor_doubled_by_sigkill_at_any_step(
    settings: Settings,
) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, SCRIPT, *STEPS),
        env=settings_environment(settings),
        stdout=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    out, _ = await asyncio.wait_for(process.communicate(), 100)
    # what the relay logs is there, too: that Kafka was not ready, and it started anew
    said = [line for line in out.decode().splitlines() if line.startswith("end ")]
    ends = dict(line.removeprefix("end ").rsplit(" ", 1) for line in said)
    assert ends == {**dict.fromkeys(STEPS, "-9"), "None": "0"}
    told: Counter[str] = Counter()
    labelled = 0
    wanted = (pipeline.REVIEWS_DECIDED, pipeline.FEEDBACK_ACCEPTED)
    async with (
        cluster.reader(settings, *wanted, isolation="read_uncommitted") as written,
        cluster.reader(settings, *wanted) as reader,
    ):
        # a commit is answered before its marker is in the partition
        assert not await reader.settle(written.ends, 30)
        async for topic, record in reader.to_end():
            if topic is pipeline.FEEDBACK_ACCEPTED:
                labelled += 1
                continue
            decided = ReviewDecided.model_validate_json(record.value or b"")
            told[decided.item.request.request_id] += 1
    assert told == dict.fromkeys(STEPS, 1)
    assert labelled == len(STEPS)
