"""The slices of one log, checked in processes side by side."""

import multiprocessing
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from typing import Final

from glideslope.audit.bundles import Span
from glideslope.audit.objects import Objects
from glideslope.audit.slices import Part, SliceCheck
from glideslope.audit.verification import Spread
from services.audit.tlog.keystore import KeyStore

OpenKeys = Callable[[], KeyStore]
"""Opens the key store anew in each process. A function of a module, so that it can be sent."""

WORTH_IT: Final = 16
"""How many slices pay for the start of processes, which takes a second or more of a core each."""
_AHEAD: Final = 2
"""How many slices for each process are under way or wait to be taken in."""


def spread_over(
    cores: int, open_keys: OpenKeys | None, *, records: bool, worth_it: int = WORTH_IT
) -> Spread | None:
    """Return what checks the slices of a log in so many processes; None where it is one.

    A log of fewer than `worth_it` slices is checked in this process.
    """
    if cores == 1:
        return None

    def spread(
        objects: Objects, origin: str, spans: Sequence[Span], here: Callable[[Span], Part]
    ) -> Iterator[Part]:
        if len(spans) < worth_it:
            yield from map(here, spans)
            return
        workers = min(cores, len(spans))
        with ProcessPoolExecutor(
            max_workers=workers,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_begin,
            initargs=(objects, origin, open_keys, records),
        ) as pool:
            pending: deque[Future[Part]] = deque()
            try:
                for span in spans:
                    pending.append(pool.submit(_check, span))
                    if len(pending) >= _AHEAD * workers:
                        yield pending.popleft().result()
                while pending:
                    yield pending.popleft().result()
            finally:
                pool.shutdown(cancel_futures=True)

    return spread


_slices: SliceCheck | None = None


def _begin(objects: Objects, origin: str, open_keys: OpenKeys | None, records: bool) -> None:
    global _slices  # noqa: PLW0603 - what a worker needs reaches it through its initialiser
    reader = None if open_keys is None or not records else open_keys()
    _slices = SliceCheck(objects, origin, reader, records=records)


def _check(span: Span) -> Part:
    if _slices is None:
        raise RuntimeError("the worker was not initialised")
    return _slices.run(span)
