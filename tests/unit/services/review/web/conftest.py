"""The pages over a queue in SQLite."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.unit.services.review.web.office import Office, opened


@pytest.fixture
def changed() -> dict[str, Any]:
    """Settings that a test changes, by parametrising `changed`."""
    return {}


@pytest.fixture
async def office(tmp_path: Path, changed: dict[str, Any]) -> AsyncIterator[Office]:
    async with opened(tmp_path, **changed) as office:
        yield office
