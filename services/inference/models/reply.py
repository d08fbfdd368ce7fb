"""The JSON object in a model's reply, wherever it stands and however it is broken."""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

import json_repair

from services.inference.models.errors import UnusableError

_FENCED: Final = re.compile(r"```[a-zA-Z]*\s*\n(.*?)```", re.DOTALL)
_THOUGHTS: Final = re.compile(r"<think(?:ing)?>.*?</think(?:ing)?>", re.DOTALL)


def found_in(reply: str) -> tuple[dict[str, Any], list[str]]:
    """Return the object with `claims`, or that says `answerable` is false; and what was repaired.

    Raises `UnusableError` where there is none, or its end is missing: half a claim can say the
    opposite of the whole.
    """
    text = reply.strip()
    if (found := _shaped(_loaded(text))) is not None:
        return found, []
    text = _THOUGHTS.sub("", text)
    for candidate, repair in _candidates(text):
        if (found := _shaped(_loaded(candidate))) is not None:
            return found, [repair]
    start, end = text.find("{"), text.rfind("}")
    if 0 <= start < end and '"' not in text[end:]:
        fixed = json_repair.loads(text[start : end + 1], skip_json_loads=True)
        if (found := _shaped(fixed)) is not None:
            return found, ["the JSON was broken"]
    raise UnusableError(
        "the reply holds no whole JSON object with claims: see that the release's prompt suits the "
        "model, and that its max_output_tokens suffice"
    )


def _candidates(text: str) -> Iterator[tuple[str, str]]:
    for fenced in _FENCED.findall(text):
        yield fenced.strip(), "the JSON stood in a fence"
    start, end = text.find("{"), text.rfind("}")
    if 0 <= start < end:
        yield text[start : end + 1], "words stood around the JSON"


def _loaded(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _shaped(value: Any) -> dict[str, Any] | None:
    """Return what looks like the object that was asked for, None if nothing does."""
    if isinstance(value, list) and value and all(isinstance(each, dict) for each in value):
        value = {"claims": value}
    if not isinstance(value, dict):
        return None
    if "claims" in value or value.get("answerable") is False:
        return value
    if isinstance(value.get("answer"), str) and value["answer"].strip():
        return {"claims": [{"text": value["answer"], "citations": value.get("citations")}]}
    return None
