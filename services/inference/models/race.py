"""One way after another until one succeeds, the next begun early where the one before is slow."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Way(Generic[T]):
    """A way to the result. One that `may_hedge` can be begun while the one before still works."""

    run: Callable[[], Awaitable[T]]
    may_hedge: bool = False


async def first(
    ways: Sequence[Way[T]], *, goes_on: type[Exception], hedge_after: float | None = None
) -> T | None:
    """Return what the first way gives that succeeds, None if none does.

    A way is begun when all before it have failed with `goes_on`, or `hedge_after` seconds after the
    one before it; any other error is raised. Whatever still works then is cancelled and awaited.
    """
    working: set[asyncio.Future[T]] = set()
    left = list(ways)
    try:
        while left or working:
            if left and (not working or left[0].may_hedge):
                way = left.pop(0)
                if not working and (hedge_after is None or not any(w.may_hedge for w in left)):
                    with suppress(goes_on):  # nobody to race with: no task is needed
                        return await way.run()
                    continue
                working.add(asyncio.ensure_future(way.run()))
            patience = hedge_after if left and left[0].may_hedge else None
            ended, working = await asyncio.wait(
                working, timeout=patience, return_when=asyncio.FIRST_COMPLETED
            )
            errors = {each: each.exception() for each in ended}
            for each, error in errors.items():
                if error is None:
                    return each.result()
                if not isinstance(error, goes_on):
                    raise error
    finally:
        for each in working:
            each.cancel()
        await asyncio.gather(*working, return_exceptions=True)
    return None
