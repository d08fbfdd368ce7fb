"""What Kafka's answers to a producer mean: done, ask again in a moment, or an error."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final, TypeVar

from aiokafka.errors import (
    ConcurrentTransactions,
    CoordinatorLoadInProgressError,
    CoordinatorNotAvailableError,
    KafkaError,
    NoError,
    OperationNotAttempted,
    ProducerFenced,
    for_code,
)

_BUSY: Final = (
    ConcurrentTransactions,
    CoordinatorLoadInProgressError,
    CoordinatorNotAvailableError,
)
_PRODUCER_FENCED: Final = 90  # aiokafka has the error, and not its number
_AGAIN_SECONDS: Final = 0.001  # what Kafka does after a commit takes about that
_AGAIN_MAX_SECONDS: Final = 0.05
_PATIENCE_SECONDS: Final = 10.0

T = TypeVar("T")


async def until_free(ask: Callable[[], Awaitable[T]]) -> T:
    """Ask again while Kafka is still busy with the transaction before, or with its start."""
    pause = _AGAIN_SECONDS
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            return await ask()
        except _BUSY:
            if time.monotonic() > deadline:
                raise
        await asyncio.sleep(pause)
        pause = min(2 * pause, _AGAIN_MAX_SECONDS)


async def all_of(first: Awaitable[None], *more: Awaitable[None]) -> None:
    """Wait for all of them, whatever becomes of each; raise the first error.

    The first begins at once, the others when the loop comes round to them.
    """
    others = [asyncio.ensure_future(each) for each in more]
    errors = []
    try:
        for each in (first, *others):
            try:
                await each
            except Exception as error:  # noqa: BLE001 - raised below
                errors.append(error)
    except asyncio.CancelledError:
        for other in others:
            other.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        raise
    if errors:
        raise errors[0]


def check(code: int) -> None:
    """Raise the error that an answer's code stands for, if it is one."""
    error = _error(code)
    if error is not NoError:
        raise error


def check_each(topics: Iterable[tuple[Any, ...]]) -> None:
    """Raise the first error of an answer with one for each partition, but for its followers."""
    errors = [(_error(code), topic) for topic, each, *_ in topics for _, code, *_ in each]
    failed = [(error, topic) for error, topic in errors if error is not NoError]
    failed.sort(key=lambda one: one[0] is OperationNotAttempted)
    for error, topic in failed:
        raise error(topic)


def _error(code: int) -> type[KafkaError]:
    error: type[KafkaError] = ProducerFenced if code == _PRODUCER_FENCED else for_code(code)
    return error
