"""A record that cannot be read or handled is kept: its own bytes, and beside them what happened."""

import hashlib
import traceback
from pathlib import PurePath
from typing import Final

from pydantic import ValidationError

from shared.cloudevents import UnreadableError
from shared.delivery.errors import DeliveryError
from shared.delivery.record import Header, Output, Record
from shared.release import UnknownReleaseError

REDRIVES_HEADER: Final = "glideslope-redrives"
"""How often a record was sent back to its topic. It stays with the record, not with its outputs."""

_REASON_MAX: Final = 500


def dead_letter(  # noqa: PLR0913 - what there is to say of a dead letter
    record: Record,
    error: Exception,
    *,
    topic: str,
    service: str,
    attempts: int,
    is_foreign: bool = False,
) -> Output:
    """Return the dead letter of a record: key, headers and value untouched, `glideslope-…` added.

    The added headers come last; of two with one name (a record that failed again) the last counts.
    `stack` is the same for errors that were raised at the same place; `release` is the one that
    the event is pinned to, if it is; on an `is_foreign` topic a sender's word is not taken for it.
    """
    added = {
        "source-topic": record.topic,
        "source-partition": str(record.partition),
        "source-offset": str(record.offset),
        "source-timestamp": str(record.timestamp),
        "service": service,
        "attempts": str(attempts),
        "reason-code": reason_code(error),
        "reason": reason(error),
        "error": type(error).__name__,
        "stack": stack_hash(error),
    }
    pinned = [raw for name, raw in record.headers if name == "ce_release" and raw is not None]
    if pinned and not is_foreign:
        added["release"] = pinned[-1].decode(errors="replace")
    ours: tuple[Header, ...] = tuple(
        (f"glideslope-{name}", text.encode(errors="backslashreplace"))
        for name, text in added.items()
    )
    return Output(
        topic=topic,
        key=record.key,
        value=record.value,
        headers=record.headers + ours,
        partition=record.partition,
    )


def reason_code(error: Exception) -> str:
    """Return a short word to group dead letters by."""
    if isinstance(error, UnreadableError):
        return error.code
    if isinstance(error, ValidationError):
        return "bad_data"
    return type(error).__name__


def reason(error: Exception) -> str:
    """Return the error in a sentence, without the data that it complains about."""
    if isinstance(error, ValidationError):
        problems = error.errors(include_url=False, include_input=False, include_context=False)
        text = "; ".join(f"{_field(p['loc'])}: {p['msg']}" for p in problems)
    elif isinstance(error, (DeliveryError, UnreadableError, UnknownReleaseError)):
        text = str(error)
    else:  # its message may quote the data
        text = type(error).__name__
    return text[:_REASON_MAX]


def _field(location: tuple[int | str, ...]) -> str:
    """Return the field, without what stands below it: that may be a key of the sender's."""
    return ".".join([str(location[0]), "…"] if len(location) > 1 else map(str, location)) or "data"


def stack_hash(error: Exception) -> str:
    """Return 16 hex digits that stand for where the error was raised: files and functions."""
    frames = [
        (PurePath(f.filename).name, f.name) for f in traceback.extract_tb(error.__traceback__)
    ]
    return hashlib.sha256(repr(frames).encode()).hexdigest()[:16]


def raised_at(error: Exception) -> str:
    """Return where the error was raised, `file:line function`, which is safe to log."""
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return "unknown"
    last = frames[-1]
    return f"{PurePath(last.filename).name}:{last.lineno} {last.name}"
