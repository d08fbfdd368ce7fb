from unittest.mock import Mock

import pytest

from tests.skips import pytest_runtest_makereport


def report(outcome: str, longrepr: object = None) -> pytest.TestReport:
    """Return what becomes of a test's report where nothing may be skipped."""
    made = pytest.TestReport("tests/x.py::test_y", ("", 0, ""), {}, outcome, longrepr, "setup")  # type: ignore[arg-type]  # as pytest makes it
    hook = pytest_runtest_makereport(Mock(nodeid="tests/x.py::test_y"))
    next(hook)
    with pytest.raises(StopIteration) as ended:
        hook.send(made)
    changed: pytest.TestReport = ended.value.value
    return changed


def test_a_skipped_test_fails_and_says_what_is_missing() -> None:
    changed = report("skipped", ("tests/x.py", 3, "Skipped: tflint is not there"))

    assert changed.failed
    assert "tests/x.py::test_y was to be skipped" in str(changed.longrepr)
    assert "tflint is not there" in str(changed.longrepr)


@pytest.mark.parametrize("outcome", ["passed", "failed"])
def test_what_is_not_skipped_stays_as_it_is(outcome: str) -> None:
    assert report(outcome).outcome == outcome
