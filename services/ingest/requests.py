"""Is this request acceptable? If so it leaves normalised, and pinned to a release.

A rejection is an end of its request: the id is used up, so a corrected question needs a new one.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic import JsonValue

from services.ingest.arrival import Arrival
from services.ingest.objection import Code, Objection, check_counts, check_time, read
from services.ingest.text import LINE, LINES, check_readable, free_of, normalised
from shared.events import (
    InlinePassage,
    Principal,
    RequestAccepted,
    RequestDuplicated,
    RequestRejected,
    RequestSubmitted,
    Screened,
    ShadowRequested,
)
from shared.screening import screen_question

PASSAGES_MAX: Final = 100
"""Inline passages of one request."""
PASSAGES_MAX_CHARACTERS: Final = 200_000
"""Text of all inline passages of one request together."""
METADATA_MAX: Final = 64
"""Metadata entries of one request."""
METADATA_MAX_CHARACTERS: Final = 1_024
"""One metadata key or value."""
GROUPS_MAX: Final = 1_000
"""Groups of one principal."""
UNKNOWN_MAX_BYTES: Final = 64 * 1024
"""All unknown fields together, as JSON."""
UNKNOWN_MAX_DEPTH: Final = 32
"""Nesting of an unknown field. Readers of JSON give up at depths from about 200 on."""

_COUNTS: Final = {
    "passages": PASSAGES_MAX,
    "metadata": METADATA_MAX,
    "principal.groups": GROUPS_MAX,
}


def acceptable(
    data: Any, arrival: Arrival, release: str, most_bytes: int
) -> RequestAccepted | RequestRejected:
    """Decide on the data of one request; `most_bytes` bounds the record it came in."""
    try:
        arrival.check(most_bytes)
        check_counts(data, _COUNTS)
        request = read(RequestSubmitted, _with_normalised_question(data))
        check_readable(request.question, "question")
        _check_deadline(request, data, arrival)
        _check_principal(request.principal)
        _check_metadata(request.metadata)
        return RequestAccepted(
            request_id=arrival.id,
            request_source=arrival.source,
            tenant=arrival.tenant,
            question=request.question,
            passages=_checked_passages(request.passages),
            principal=request.principal,
            metadata=request.metadata,
            deadline=request.deadline,
            received_at=arrival.received_at,
            release=release,
            unknown_fields=_unknown_fields(data),
            screening=_screened(request.question),
        )
    except Objection as objection:
        return RequestRejected(
            request_id=arrival.id,
            request_source=arrival.source,
            code=objection.code,
            message=f"{objection.message} (under a new id: this one is used up)",
            field=objection.field,
            received_at=arrival.received_at,
        )


def _screened(question: str) -> Screened | None:
    found = screen_question(question)
    return Screened(score=found.score, reasons=found.reasons) if found.flagged else None


def shadow(accepted: RequestAccepted, release: str) -> ShadowRequested:
    """Return the copy of an accepted request for the release in shadow."""
    return ShadowRequested(**{**dict(accepted), "release": release, "deadline": None})


def duplicate(arrival: Arrival) -> RequestDuplicated:
    """Return what is said of a second record of a request."""
    return RequestDuplicated(request_id=arrival.id, request_source=arrival.source)


def _with_normalised_question(data: Any) -> Any:
    """Normalise before the length is checked: NFC changes it, and blank ends do not count."""
    if isinstance(data, dict) and isinstance(question := data.get("question"), str):
        return {**data, "question": normalised(question, "question", LINES)}
    return data


def _check_deadline(request: RequestSubmitted, data: Mapping[str, Any], arrival: Arrival) -> None:
    if request.deadline is None:
        return
    check_time(data, "deadline")
    if request.deadline <= arrival.now:
        raise Objection(
            Code.DEADLINE_PASSED, "`deadline` has passed: send a later one or none", "deadline"
        )


def _check_principal(principal: Principal | None) -> None:
    if principal is None:
        return
    free_of(LINE, principal.id, "principal.id")
    for index, group in enumerate(principal.groups):
        free_of(LINE, group, f"principal.groups.{index}")


def _check_metadata(metadata: Mapping[str, str]) -> None:
    for entry in metadata.items():
        for text in entry:
            free_of(LINES, text, "metadata")
            if len(text) > METADATA_MAX_CHARACTERS:
                raise Objection.too_long("metadata", METADATA_MAX_CHARACTERS)


def _checked_passages(passages: tuple[InlinePassage, ...]) -> tuple[InlinePassage, ...]:
    if sum(len(passage.text) for passage in passages) > PASSAGES_MAX_CHARACTERS:
        raise Objection.too_long("passages", PASSAGES_MAX_CHARACTERS)
    checked: dict[str, InlinePassage] = {}
    for index, passage in enumerate(passages):
        free_of(LINE, passage.id, f"passages.{index}.id")
        if passage.id in checked:
            raise Objection(
                Code.REPEATED,
                f"`passages.{index}.id` stands at an earlier passage too: send different ids",
                f"passages.{index}.id",
            )
        field = f"passages.{index}.text"
        text = normalised(passage.text, field, LINES)
        check_readable(text, field)
        checked[passage.id] = InlinePassage(id=passage.id, text=text)
    return tuple(checked.values())


def _unknown_fields(data: Mapping[str, Any]) -> dict[str, JsonValue]:
    """Return what is beyond the contract, nested fields under their path: `principal.name`."""
    unknown = dict(_beyond_contract(data))
    try:
        size = len(json.dumps(unknown, ensure_ascii=False, allow_nan=False).encode())
    except (ValueError, RecursionError) as error:  # infinite numbers, lone surrogates, depth
        raise Objection(
            Code.FIELD_MALFORMED,
            "a field beyond the contract cannot be kept as JSON: send finite numbers, whole "
            f"Unicode characters, and {UNKNOWN_MAX_DEPTH} levels of nesting at most",
        ) from error
    if size > UNKNOWN_MAX_BYTES:
        raise Objection(
            Code.TOO_LARGE,
            f"fields beyond the contract have {size:,} bytes: send {UNKNOWN_MAX_BYTES:,} at most",
        )
    if not _is_flat_enough(unknown):
        raise Objection(
            Code.FIELD_MALFORMED,
            f"a field beyond the contract is nested too deep: send {UNKNOWN_MAX_DEPTH} levels "
            "at most",
        )
    return unknown


def _beyond_contract(data: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    yield from _beyond(RequestSubmitted.model_fields, data)
    if isinstance(principal := data.get("principal"), dict):
        yield from _beyond(Principal.model_fields, principal, "principal.")
    for index, passage in enumerate(data.get("passages") or ()):
        yield from _beyond(InlinePassage.model_fields, passage, f"passages.{index}.")


def _beyond(
    known: Mapping[str, Any], data: Mapping[str, Any], prefix: str = ""
) -> Iterator[tuple[str, Any]]:
    return ((f"{prefix}{name}", value) for name, value in data.items() if name not in known)


def _is_flat_enough(value: JsonValue) -> bool:
    level = [value]
    for _ in range(UNKNOWN_MAX_DEPTH + 2):  # the fields themselves, their levels, the leaves
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
    return not level
