import threading
from datetime import UTC, datetime

import pytest
from pydantic import BaseModel

from services.ingest.arrival import Arrival
from services.ingest.decision import QUICK_BYTES, decided

NOW = datetime(2030, 1, 31, 12, tzinfo=UTC)


class Decision(BaseModel):
    data: object
    limit: int
    thread: int


def acceptable(data: object, _: Arrival, limit: int) -> Decision:
    return Decision(data=data, limit=limit, thread=threading.get_ident())


@pytest.mark.parametrize(("size", "is_here"), [(QUICK_BYTES, True), (QUICK_BYTES + 1, False)])
async def test_a_large_record_is_decided_beside_the_loop(size: int, is_here: bool) -> None:
    arrival = Arrival("1", "/crm", None, "default", size, NOW, NOW)
    decision = await decided(acceptable, {"a": 1}, arrival, 7)
    assert (decision.data, decision.limit) == ({"a": 1}, 7)
    assert (decision.thread == threading.get_ident()) is is_here
