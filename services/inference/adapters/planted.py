"""A generator that errs on demand, so that tests and demonstrations can show the checks at work.

Never active unless `GLIDESLOPE_PLANTED_FAULTS` is true, and then only for requests whose metadata
has `planted_fault`: `wrong_number` alters a number of the first attempt's answer,
`wrong_number_always` of every attempt's.
"""

import re
from dataclasses import replace
from typing import Final

import structlog

from services.inference.generator import Draft, Generator, Task
from services.inference.tokens import words

_ONCE: Final = "wrong_number"
_ALWAYS: Final = "wrong_number_always"
_NUMBER: Final = re.compile(r"\d[\d.,]*\d|\d")

_log = structlog.get_logger(__name__)


class PlantedFaults:
    """Implements `services.inference.generator.Generator` around another one."""

    def __init__(self, generator: Generator) -> None:
        _log.warning("planted_faults_on", advice="unset GLIDESLOPE_PLANTED_FAULTS in production")
        self._generator = generator

    async def generate(self, task: Task) -> Draft:
        """See `Generator.generate`; the citations stay as they are."""
        draft = await self._generator.generate(task)
        fault = task.request.metadata.get("planted_fault")
        if draft.answer is None or not (fault == _ALWAYS or (fault == _ONCE and task.attempt == 1)):
            return draft
        known = frozenset(word for passage in task.passages for word in words(passage.text))
        wrong = wrong_number(draft.answer.text, known)
        return replace(draft, answer=draft.answer.model_copy(update={"text": wrong}))


def wrong_number(text: str, known: frozenset[str]) -> str:
    """Return the text with its longest number altered to one that is not `known`.

    A text without a number stays as it is.
    """
    numbers = sorted(_NUMBER.finditer(text), key=lambda number: -len(number[0]))
    for number in numbers:
        for digit in "123456789":
            altered = digit + number[0][1:]
            if altered != number[0] and not known.intersection(words(altered)):
                return text[: number.start()] + altered + text[number.end() :]
    return text
