"""What may become of a schema: it gains optional fields, and nothing else.

A reader of yesterday must understand the events of today, and a reader of today the events of
yesterday, because both stand in one topic. Anything more is a new topic version.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

_DESCRIPTIVE: Final = frozenset({"$schema", "$defs", "default", "description", "examples", "title"})
_Schema = Mapping[str, Any]


def breaks(old: _Schema, new: _Schema) -> list[str]:
    """Return each way in which `new` breaks who relies on `old`, in a sentence; none is good."""
    return list(_compare(old, new, _Pair(old, new), "", frozenset()))


class _Pair:
    """The two documents, to look references up in."""

    def __init__(self, old: _Schema, new: _Schema) -> None:
        self._old, self._new = old, new

    def resolve(self, old: _Schema, new: _Schema) -> tuple[_Schema, _Schema]:
        return _resolved(old, self._old), _resolved(new, self._new)


def _resolved(schema: _Schema, document: _Schema) -> _Schema:
    while (reference := schema.get("$ref")) is not None:
        target = document["$defs"][reference.removeprefix("#/$defs/")]
        schema = {**target, **{k: v for k, v in schema.items() if k != "$ref"}}
    return schema


def _compare(
    old: _Schema, new: _Schema, pair: _Pair, path: str, seen: frozenset[tuple[str, str]]
) -> Iterator[str]:
    references = (str(old.get("$ref")), str(new.get("$ref")))
    if "$ref" in old and "$ref" in new:
        if references in seen:  # a model that holds itself
            return
        seen |= {references}
    old, new = pair.resolve(old, new)
    where = path or "the data"
    yield from _fields(old, new, pair, path, seen)
    for keyword in ("items", "additionalProperties"):
        if isinstance(old.get(keyword), Mapping) and isinstance(new.get(keyword), Mapping):
            yield from _compare(old[keyword], new[keyword], pair, f"{path}[]", seen)
        elif old.get(keyword) != new.get(keyword):
            yield f"{where}: `{keyword}` changed"
    yield from _alternatives(old, new, pair, path, seen)
    handled = {"properties", "required", "items", "additionalProperties", "anyOf"}
    for keyword in sorted((set(old) | set(new)) - _DESCRIPTIVE - handled):
        if old.get(keyword) != new.get(keyword):
            was, now = old.get(keyword, "nothing"), new.get(keyword, "nothing")
            yield f"{where}: `{keyword}` changed from {was!r} to {now!r}"


def _fields(
    old: _Schema, new: _Schema, pair: _Pair, path: str, seen: frozenset[tuple[str, str]]
) -> Iterator[str]:
    before, after = old.get("properties", {}), new.get("properties", {})
    for name in before:
        field = f"{path}.{name}" if path else name
        if name not in after:
            yield f"{field}: the field is gone"
        else:
            yield from _compare(before[name], after[name], pair, field, seen)
    was_required, is_required = set(old.get("required", ())), set(new.get("required", ()))
    for name in sorted(is_required - was_required):
        yield f"{f'{path}.{name}' if path else name}: the field is required now"
    for name in sorted((was_required - is_required) & set(after)):
        yield f"{f'{path}.{name}' if path else name}: the field is not required any more"


def _alternatives(
    old: _Schema, new: _Schema, pair: _Pair, path: str, seen: frozenset[tuple[str, str]]
) -> Iterator[str]:
    before, after = old.get("anyOf", []), new.get("anyOf", [])
    if len(before) != len(after):
        yield f"{path or 'the data'}: what it may be changed"
        return
    for one, other in zip(before, after, strict=True):
        yield from _compare(one, other, pair, path, seen)
