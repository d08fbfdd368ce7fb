import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from shared.delivery.progress import METADATA_MAX, MetadataError, Progress, decode, encode


def test_the_watermark_is_the_first_record_not_completed() -> None:
    progress = Progress(10)
    for offset in (10, 11, 14):
        assert progress.take(offset)
    progress.complete([11])
    assert progress.position == 10
    progress.complete([10])
    assert progress.position == 14
    progress.complete([14])
    assert progress.position == 15
    assert progress.metadata() == ""


def test_a_restart_repeats_only_what_had_not_committed() -> None:
    before = Progress(0)
    for offset in range(6):
        before.take(offset)
    before.complete([1, 2, 4])
    after = Progress(before.position, before.metadata())
    assert [offset for offset in range(8) if after.take(offset)] == [0, 3, 5, 6, 7]


def test_a_record_is_taken_once() -> None:
    progress = Progress(5)
    assert not progress.take(4)
    assert progress.take(5)
    assert not progress.take(5)
    assert progress.open == 1


def test_ten_thousand_completed_behind_one_slow_record_cost_a_few_bytes() -> None:
    progress = Progress(0)
    for offset in range(10_000):
        progress.take(offset)
    progress.complete(range(1, 10_000))
    assert len(progress.metadata()) < 12


def test_what_does_not_fit_the_metadata_waits() -> None:
    progress = Progress(0)
    count = 60_000
    for offset in range(count):
        progress.take(offset)
    finished = list(range(1, count, 2))  # the worst case: every second one
    fitting = progress.fitting(finished)
    assert 0 < len(fitting) < len(finished)
    assert fitting == finished[: len(fitting)]
    progress.complete(fitting)
    assert len(progress.metadata()) <= METADATA_MAX
    rest = finished[len(fitting) :]
    assert 0 in progress.fitting([0, *rest])


@pytest.mark.parametrize("metadata", ["hello", "2r:AQ==", "1r:!", "1r:", "1r:gA==", '{"x":1}'])
def test_metadata_of_somebody_else_is_refused_and_not_guessed_at(metadata: str) -> None:
    with pytest.raises(MetadataError, match="offset metadata"):
        Progress(0, metadata)


@given(st.lists(st.integers(1, 5_000), max_size=60).map(lambda runs: runs[: len(runs) // 2 * 2]))
def test_runs_survive_encoding(runs: list[int]) -> None:
    assert decode(encode(runs)) == runs


def test_the_shorter_of_the_two_encodings_is_taken() -> None:
    by_turns, in_blocks = [1] * 1_000, [5_000, 5_000]
    assert encode(by_turns).startswith("1b:")
    assert len(encode(by_turns)) < 200  # a bit each, where a length each takes eight
    assert encode(in_blocks).startswith("1r:")


@settings(max_examples=100, stateful_step_count=40, deadline=None)
class AgainstNaiveModel(RuleBasedStateMachine):
    """Progress beside a set of completed offsets, over any order of events and restarts."""

    @initialize(start=st.integers(0, 10_000))
    def begin(self, start: int) -> None:
        self.start = start
        self.log: list[int] = []  # offsets that hold a record
        self.end = start
        self.committed: set[int] = set()
        self.committed_position = start
        self.committed_metadata = ""
        self.progress = Progress(start)
        self.fetched = 0
        self.handling: set[int] = set()

    @rule(gap=st.integers(0, 3))
    def append(self, gap: int) -> None:
        self.end += gap
        self.log.append(self.end)
        self.end += 1

    @precondition(lambda self: self.fetched < len(self.log))
    @rule()
    def fetch(self) -> None:
        offset = self.log[self.fetched]
        self.fetched += 1
        taken = self.progress.take(offset)
        assert taken == (offset not in self.committed)
        if taken:
            self.handling.add(offset)

    @precondition(lambda self: self.handling)
    @rule(data=st.data())
    def commit(self, data: st.DataObject) -> None:
        batch = data.draw(st.sets(st.sampled_from(sorted(self.handling)), min_size=1))
        self.progress.complete(batch)
        self.handling -= batch
        self.committed |= batch
        self.committed_position = self.progress.position
        self.committed_metadata = self.progress.metadata()

    @rule()
    def restart(self) -> None:
        self.progress = Progress(self.committed_position, self.committed_metadata)
        self.handling.clear()
        self.fetched = sum(offset < self.committed_position for offset in self.log)

    @invariant()
    def nothing_before_the_watermark_is_open(self) -> None:
        if not hasattr(self, "log"):
            return
        uncommitted = [offset for offset in self.log if offset not in self.committed]
        assert all(offset >= self.progress.position for offset in uncommitted)
        assert self.progress.open == len(self.handling)


TestAgainstNaiveModel = AgainstNaiveModel.TestCase
