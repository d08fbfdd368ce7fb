"""What the emulator says: quotes from the passages that the prompt shows, or what it judges."""

import json
import re
from functools import lru_cache
from typing import Any, Final

from glideslope.emulator.behaviour import Fault
from glideslope.emulator.verdicts import asked, verdicts
from services.inference.extractive import extract
from shared.events import Passage

_PASSAGE: Final = re.compile(r'<passage number="(\d+)"[^>\n]*>\n(.*?)\n</passage>', re.DOTALL)
_QUESTION: Final = re.compile(r"<question>\n(.*?)\n</question>", re.DOTALL)
_DIGIT: Final = re.compile(r"\d")
_SENTENCES: Final = 3
_CHARACTERS_A_TOKEN: Final = 4


def reply(prompt: str, fault: Fault = Fault.NONE) -> str:
    """Return the model's whole text for a prompt."""
    match fault:
        case Fault.EMPTY:
            return ""
        case Fault.PROSE:
            return "I would be glad to help with that. What would you like to know?"
        case Fault.CUT:
            whole = _said(prompt, Fault.NONE)
            return whole[: len(whole) * 2 // 3]
        case _:
            return _said(prompt, fault)


def _said(prompt: str, fault: Fault) -> str:
    if (told := asked(prompt)) is not None:
        return verdicts(told, wrong=fault is Fault.WRONG)
    if fault is Fault.REFUSED:
        return _json([])
    if fault is Fault.WRONG:
        return _json([{**c, "text": _altered(c["text"])} for c in _claims(prompt)])
    return _json(_claims(prompt))


def tokens(text: str) -> int:
    """Return how many tokens a text has, as the emulator counts."""
    return -(-len(text) // _CHARACTERS_A_TOKEN)


def pieces(text: str, count: int) -> list[str]:
    """Return the text in so many pieces, or fewer where it is short."""
    size = max(1, -(-len(text) // count))
    return [text[start : start + size] for start in range(0, len(text), size)]


@lru_cache(maxsize=1024)
def _claims(prompt: str) -> tuple[dict[str, Any], ...]:
    passages = [
        Passage(id=number, document_id=number, locator="", text=text)
        for number, text in _PASSAGE.findall(prompt)
    ]
    question = _QUESTION.search(prompt)
    found = extract(question.group(1) if question else prompt, passages, sentences=_SENTENCES)
    return tuple(
        {
            "text": " ".join(quoted.quote.split()),
            "citations": [{"passage": int(quoted.document_id), "quote": quoted.quote}],
        }
        for quoted in found
    )


def _json(claims: Any) -> str:
    return json.dumps({"answerable": bool(claims), "claims": list(claims)}, ensure_ascii=False)


def _altered(text: str) -> str:
    """Return the text with a digit that is another."""
    return _DIGIT.sub(lambda found: str((int(found.group()) + 3) % 10), text, count=1)
