from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glideslope.docs.evolution import breaks
from shared import topics

TEXT = {"type": "string"}
ITEM = {"type": "object", "properties": {"id": TEXT}, "required": ["id"]}
OLD: dict[str, Any] = {
    "title": "Order",
    "type": "object",
    "properties": {
        "name": {"type": "string", "maxLength": 10, "description": "Who."},
        "state": {"enum": ["open", "closed"]},
        "note": {"anyOf": [TEXT, {"type": "null"}], "default": None},
        "items": {"type": "array", "items": {"$ref": "#/$defs/Item"}},
        "labels": {"type": "object", "additionalProperties": TEXT},
    },
    "required": ["name", "items"],
    "$defs": {"Item": ITEM},
}


def changed(**properties: Any) -> dict[str, Any]:
    """Return the schema with properties changed; `...` takes one away."""
    kept = {k: v for k, v in {**OLD["properties"], **properties}.items() if v is not ...}
    return {**OLD, "properties": kept}


@pytest.mark.parametrize(
    "new",
    [
        OLD,
        {**OLD, "title": "Purchase", "description": "Another word for it."},
        changed(extra=TEXT),
        changed(extra={"type": "array", "items": {"$ref": "#/$defs/Item"}}),
        changed(name={"type": "string", "maxLength": 10, "description": "By whom."}),
        changed(note={"anyOf": [TEXT, {"type": "null"}], "default": "none"}),
        {**OLD, "required": ["items", "name"]},
        {**OLD, "$defs": {"Item": {**ITEM, "properties": {"id": TEXT, "size": TEXT}}}},
        {
            **changed(items={"type": "array", "items": {"$ref": "#/$defs/Line"}}),
            "$defs": {"Line": ITEM},
        },
        changed(items={"type": "array", "items": ITEM}),
    ],
    ids=[
        "nothing",
        "title and description",
        "an optional field",
        "an optional list",
        "a field's description",
        "a default",
        "the order of the required fields",
        "an optional field of a nested object",
        "a nested object's name",
        "a nested object written out",
    ],
)
def test_it_is_no_break_to_change(new: dict[str, Any]) -> None:
    assert breaks(OLD, new) == []


@pytest.mark.parametrize(
    ("new", "sentence"),
    [
        (changed(note=...), "note: the field is gone"),
        ({**OLD, "required": ["name", "items", "state"]}, "state: the field is required now"),
        (
            {**changed(extra=TEXT), "required": ["name", "items", "extra"]},
            "extra: the field is required now",
        ),
        ({**OLD, "required": ["items"]}, "name: the field is not required any more"),
        (
            changed(name={"type": "integer", "maxLength": 10}),
            "name: `type` changed from 'string' to 'integer'",
        ),
        (
            changed(name={"type": "string", "maxLength": 5}),
            "name: `maxLength` changed from 10 to 5",
        ),
        (
            changed(name={"type": "string", "maxLength": 10, "pattern": "^a"}),
            "name: `pattern` changed from 'nothing' to '^a'",
        ),
        (
            changed(state={"enum": ["open", "closed", "lost"]}),
            "state: `enum` changed from ['open', 'closed'] to ['open', 'closed', 'lost']",
        ),
        (changed(note={"anyOf": [TEXT]}), "note: what it may be changed"),
        (
            changed(note={"anyOf": [{"type": "integer"}, {"type": "null"}]}),
            "note: `type` changed from 'string' to 'integer'",
        ),
        (
            changed(labels={"type": "object", "additionalProperties": {"type": "integer"}}),
            "labels[]: `type` changed from 'string' to 'integer'",
        ),
        (changed(labels={"type": "object"}), "labels: `additionalProperties` changed"),
        (
            {**OLD, "$defs": {"Item": {**ITEM, "required": []}}},
            "items[].id: the field is not required any more",
        ),
        (
            {**OLD, "$defs": {"Item": {**ITEM, "properties": {}, "required": []}}},
            "items[].id: the field is gone",
        ),
        (
            {**OLD, "additionalProperties": False},
            "the data: `additionalProperties` changed",
        ),
    ],
)
def test_it_is_a_break(new: dict[str, Any], sentence: str) -> None:
    assert breaks(OLD, new) == [sentence]


def test_a_model_that_holds_itself_is_compared_once() -> None:
    def tree(kind: str) -> dict[str, Any]:
        node = {
            "type": "object",
            "properties": {"name": {"type": kind}, "next": {"$ref": "#/$defs/Node"}},
        }
        return {"$ref": "#/$defs/Node", "$defs": {"Node": node}}

    assert breaks(tree("string"), tree("string")) == []
    assert breaks(tree("string"), tree("integer")) == [
        "name: `type` changed from 'string' to 'integer'"
    ]


@settings(deadline=None)  # the schema of a whole event takes long to make on a busy machine
@given(st.sampled_from([topic for topic in topics.ALL if topic.data is not None]), st.data())
def test_taking_a_field_from_any_event_is_a_break(topic: topics.Topic, draw: st.DataObject) -> None:
    assert topic.data is not None
    old = topic.data.model_json_schema()
    assert breaks(old, old) == []
    gone = draw.draw(st.sampled_from(sorted(old["properties"])))
    new = {**old, "properties": {k: v for k, v in old["properties"].items() if k != gone}}
    assert f"{gone}: the field is gone" in breaks(old, new)
