"""The checks of a release for the command line: its judge is asked as the service would ask it."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from services.validator.case import Case
from services.validator.checks import CHECKS, Check
from services.validator.judge import is_named_by, with_judge
from shared.release import Release

ChecksFor = Callable[[Case], Mapping[str, Check]]


def own_checks(_: Case) -> Mapping[str, Check]:
    """Return the validator's own checks: a judge could not check."""
    return CHECKS


@contextmanager
def checks_for(release: Release) -> Iterator[ChecksFor]:
    """Yield what makes the checks of a case; holds connections to the judge while it is open."""
    if not is_named_by(release):
        yield own_checks
        return
    from services.validator.app import judges_of  # noqa: PLC0415 - brings in all of Kafka
    from services.validator.settings import Settings  # noqa: PLC0415 - as above

    judges = judges_of(Settings())
    with asyncio.Runner() as runner:
        opened = judges.opened()
        runner.run(opened.__aenter__())
        try:
            yield lambda case: runner.run(with_judge(CHECKS, case, judges))
        finally:
            runner.run(opened.__aexit__(None, None, None))
