"""Logs, checked on all cores: several side by side, or one after the other, slice by slice."""

import multiprocessing
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from glideslope.audit.bucket import BucketError
from glideslope.audit.findings import Finding, Problem
from glideslope.audit.memory import Memory
from glideslope.audit.places import Place
from glideslope.audit.spread import OpenKeys, spread_over
from glideslope.audit.verification import Report, Verification
from glideslope.audit.witnesses import Witnesses
from services.audit.tlog.note import VerifierKey

_POLL_SECONDS: Final = 0.1


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be checked, and what is known of it."""

    place: Place
    keys: tuple[VerifierKey, ...] = ()
    memory: Memory | None = None
    witnesses: Witnesses | None = None
    open_keys: OpenKeys | None = None
    records: bool = True


def verify_all(
    tasks: Sequence[Task],
    progress: Callable[[int, int, int], None],
    cores: int | None = None,
) -> list[Report]:
    """Check each log; `progress` is told which of them, and how many entries of how many.

    Where there are as many logs as cores (if not given: those of this machine), each has a process
    of its own. Fewer are checked one after the other, each on all cores.
    """
    cores = multiprocessing.cpu_count() if cores is None else cores
    if len(tasks) < max(cores, 2):
        return [_verify(task, partial(progress, place), cores) for place, task in enumerate(tasks)]
    context = multiprocessing.get_context("spawn")
    counters = context.Array("q", 2 * len(tasks))
    with ProcessPoolExecutor(
        max_workers=min(len(tasks), cores),
        mp_context=context,
        initializer=_begin,
        initargs=(counters,),
    ) as pool:
        futures = [pool.submit(_verify_counted, place, task) for place, task in enumerate(tasks)]
        left: set[Future[Report]] = set(futures)
        while left:
            _, left = wait(left, timeout=_POLL_SECONDS, return_when=FIRST_COMPLETED)
            for place in range(len(tasks)):
                progress(place, counters[2 * place], counters[2 * place + 1])
        return [future.result() for future in futures]


_counters: Any = None


def _begin(counters: Any) -> None:
    global _counters  # noqa: PLW0603 - shared memory reaches a worker through its initialiser
    _counters = counters


def _verify_counted(place: int, task: Task) -> Report:
    def progress(done: int, size: int) -> None:
        _counters[2 * place], _counters[2 * place + 1] = done, size

    return _verify(task, progress, 1)


def _verify(task: Task, progress: Callable[[int, int], None], cores: int) -> Report:
    started = time.monotonic()
    keys = None if task.open_keys is None else task.open_keys()
    objects = task.place.open()
    try:
        return Verification(
            objects,
            keys=task.keys,
            memory=task.memory,
            witnesses=task.witnesses,
            key_reader=keys,
            records=task.records,
            progress=progress,
            spread=spread_over(cores, task.open_keys, records=task.records),
        ).run()
    except (OSError, BucketError) as error:
        what = f"the log could not be read: {error}"
        return Report(
            objects.place,
            findings=[Finding(Problem.UNREADABLE, objects.place, what)],
            seconds=time.monotonic() - started,
        )
    finally:
        objects.close()
        if keys is not None:
            keys.close()
