"""What the emulator says when it is asked to judge: a sentence is supported where it is quoted."""

import json
from collections.abc import Mapping
from typing import Any


def asked(prompt: str) -> Mapping[str, Any] | None:
    """Return what is to be judged, if a prompt ends as the validator's judge is asked."""
    last = prompt.rpartition("\n")[2]
    if not last.startswith('{"question":'):
        return None
    told: Any = json.loads(last)
    return told if "sentences" in told else None


def verdicts(told: Mapping[str, Any], *, wrong: bool = False) -> str:
    """Return the judge's reply; a `wrong` one says the opposite."""
    given = " ".join(" ".join(passage.split()) for passage in told["passages"])
    found = [
        {
            "number": each["number"],
            "supported": (" ".join(each["text"].split()) in given) is not wrong,
            "why": "It stands there, or does not.",
        }
        for each in told["sentences"]
    ]
    return json.dumps({"sentences": found})
