"""An answer of chat completions, put together from what comes."""

import json
from typing import Any

from services.inference.models.errors import (
    BrokenOffError,
    ContentFilteredError,
    EmptyError,
    MalformedError,
)
from services.inference.models.model import Call, Completion, Tokens, estimated


class Answer:
    """An answer as it comes, in one piece (`message`) or in many (`delta`)."""

    def __init__(self) -> None:
        self.reason: str | None = None
        self._text: list[str] = []
        self._model: str | None = None
        self._usage: dict[str, Any] | None = None
        self._was_refused = False

    @property
    def has_begun(self) -> bool:
        """Whether anything has come."""
        return self._model is not None or bool(self._text)

    def hear(self, told: Any, part: str) -> bool:
        """Take in what came; say whether it held text. Raises a `ModelError`."""
        if not isinstance(told, dict):
            raise MalformedError("the reply is JSON, but no object")
        if "error" in told:  # how servers fail once they have sent their status
            raise BrokenOffError("the server failed in mid-answer")
        self._model = told.get("model") or self._model
        self._usage = told.get("usage") or self._usage
        choices = told.get("choices")
        if not isinstance(choices, list):
            raise MalformedError("the reply has no choices")
        had_text = False
        for choice in choices[:1]:
            piece = choice.get(part) or {}
            if text := piece.get("content") or "":
                self._text.append(text)
            had_text = bool(text or piece.get("reasoning_content") or piece.get("reasoning"))
            self._was_refused = self._was_refused or bool(piece.get("refusal"))
            self.reason = choice.get("finish_reason") or self.reason
        return had_text

    def completion(self, call: Call) -> Completion:
        """Return the whole of it. Raises a `ModelError`."""
        text = "".join(self._text)
        tokens = (
            Tokens(self._usage["prompt_tokens"], self._usage["completion_tokens"])
            if self._usage
            else estimated(call, text)
        )
        if self.reason == "content_filter" or self._was_refused:
            raise ContentFilteredError("the provider's content filter stopped it", tokens=tokens)
        if not text.strip():
            raise EmptyError("the answer has no text", tokens=tokens)
        return Completion(
            text,
            tokens,
            was_cut=self.reason == "length",
            model=self._model,
            reason=self.reason,
        )


def read_json(text: str) -> Any:
    """Return what a server says. Raises `MalformedError`."""
    try:
        return json.loads(text)
    except ValueError as error:
        raise MalformedError("the reply is not JSON: check `base_url`") from error
