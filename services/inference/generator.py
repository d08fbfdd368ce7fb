"""What writes an answer: one small protocol, whatever the model."""

from dataclasses import dataclass
from typing import Protocol

from shared.events import (
    Answer,
    Claim,
    ModelCall,
    Passage,
    Referral,
    RequestAccepted,
    Usage,
    Verdict,
)
from shared.release import GeneratorParameters, Release


@dataclass(frozen=True, slots=True)
class Rejected:
    """An earlier draft and what its checks said, for the one who tries again.

    `note` is what a reviewer asks of the next, where it was one who sent it back.
    """

    answer: Answer | None
    checks: tuple[Verdict, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Task:
    """A question to answer from passages under a release, and nothing else.

    `attempt` counts from 1; a later one is for the release's stronger model.
    """

    request: RequestAccepted
    passages: tuple[Passage, ...]
    release: Release
    attempt: int = 1
    rejected: Rejected | None = None

    @property
    def parameters(self) -> GeneratorParameters:
        """How this attempt is to be written."""
        return parameters(self.release, self.attempt)


@dataclass(frozen=True, slots=True)
class Draft:
    """What came of it. `answer` is None when the passages hold none, or with a `referral`.

    See `AnswerDrafted` for `claims`, `repairs`, `calls` and `referral`.
    """

    answer: Answer | None
    usage: Usage
    claims: tuple[Claim, ...] = ()
    repairs: tuple[str, ...] = ()
    calls: tuple[ModelCall, ...] = ()
    referral: Referral | None = None


class Generator(Protocol):
    """Writes a draft. Every citation's quote stands verbatim in the passage that it names."""

    async def generate(self, task: Task) -> Draft:
        """Answer the task's question.

        Raises `OverloadedError` when it would be answered once something is over that is not the
        request's fault.
        """


def parameters(release: Release, attempt: int) -> GeneratorParameters:
    """Return how a release has an attempt written: the later ones by its stronger model."""
    return release.generator if attempt == 1 else release.stronger
