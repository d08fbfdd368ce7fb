"""Where a decision is made: at once, or in a thread so that it holds nobody up."""

import asyncio
from collections.abc import Callable
from typing import Final, TypeVar

from pydantic import BaseModel

from services.ingest.arrival import Arrival

QUICK_BYTES: Final = 16 * 1024
"""Deciding on a larger record can take over 10 ms of CPU."""

Decision = TypeVar("Decision", bound=BaseModel)


async def decided(
    acceptable: Callable[..., Decision], data: object, arrival: Arrival, *rest: object
) -> Decision:
    """Return what `acceptable` decides on the data and the rest."""
    if arrival.size <= QUICK_BYTES:
        return acceptable(data, arrival, *rest)
    return await asyncio.to_thread(acceptable, data, arrival, *rest)
