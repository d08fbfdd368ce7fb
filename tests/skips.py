"""Skips are failures: `pytest -p tests.skips`, which make says where a CI must have every tool.

On a laptop a test is skipped, with its reason, where a tool is missing. In a pipeline that would be
a check that cannot fail: what builds the tool breaks, and the pipeline stays green.
"""

from collections.abc import Generator

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Make a failure of a skip, and say why it was one."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was to be skipped, and in CI must not be: {reason}"
    return report
