"""What writes an answer: one small protocol, whatever the model."""

from dataclasses import dataclass
from typing import Protocol

from shared.events import Answer, Passage, RequestAccepted, Usage, Verdict
from shared.release import GeneratorParameters


@dataclass(frozen=True, slots=True)
class Rejected:
    """An earlier draft and what its checks said, for the one who tries again."""

    answer: Answer | None
    checks: tuple[Verdict, ...]


@dataclass(frozen=True, slots=True)
class Task:
    """A question to answer from passages, and nothing else. `attempt` counts from 1."""

    request: RequestAccepted
    passages: tuple[Passage, ...]
    parameters: GeneratorParameters
    attempt: int = 1
    rejected: Rejected | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """What came of it. `answer` is None when the passages hold none."""

    answer: Answer | None
    usage: Usage


class Generator(Protocol):
    """Writes a draft. Every citation's quote stands verbatim in the passage that it names."""

    async def generate(self, task: Task) -> Draft:
        """Answer the task's question."""
