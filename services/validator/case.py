"""What the checks judge, and how they say what they found."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from services.validator.grounding.model import Assessment, assess
from services.validator.remembered import remembered
from shared.events import Answer, Citation, Passage, Span, Verdict
from shared.release import Release

_SHOWN: Final = 90


@dataclass(frozen=True, slots=True)
class Case:
    """An answer, what was asked, all that its writer was given to read, and the rules it is under.

    The passages were retrieved under the asker's groups, or came with the question: whatever
    stands in them may be said to the asker.
    """

    question: str
    answer: Answer
    passages: tuple[Passage, ...]
    release: Release

    @property
    def assessment(self) -> Assessment:
        """What the model of groundedness thinks of it; several checks ask, it is made once."""
        return _assessed(self.question, self.answer.text, texts_of(self.passages))

    def named_by(self, citation: Citation) -> list[Passage]:
        """Return the given passages that a citation names: all that were cut from its page."""
        return [
            passage
            for passage in self.passages
            if passage.document_id == citation.document_id and passage.locator == citation.locator
        ]

    @property
    def cited(self) -> list[Passage]:
        """The given passages that the answer cites, each once."""
        found = [passage for c in self.answer.citations for passage in self.named_by(c)]
        return list({(p.document_id, p.locator, p.text): p for p in found}.values())


def texts_of(passages: Iterable[Passage]) -> tuple[str, ...]:
    """Return the texts of passages, each with its title in front, in an order of their own."""
    return tuple(sorted(map(text_of, passages)))


def text_of(passage: Passage) -> str:
    """Return a passage's text with its title in front."""
    return f"{passage.title}\n{passage.text}" if passage.title else passage.text


# some answers are checked in threads: the cache is small but not of one
@remembered(16)
def _assessed(question: str, answer: str, passages: tuple[str, ...]) -> Assessment:
    return assess(question, answer, passages)


def one_spaced(text: str) -> str:
    """Return the text with every run of white space as one space: a line break is no content."""
    return " ".join(text.split())


def shown(text: str) -> str:
    """Return a text in quotation marks, shortened, for a reason that a person reads."""
    line = one_spaced(text)
    return f"'{line}'" if len(line) <= _SHOWN else f"'{line[:_SHOWN]}…'"


def passed(
    name: str, reason: str, score: float = 1.0, spans: Iterable[tuple[int, int]] = ()
) -> Verdict:
    """Return the verdict that nothing is wrong."""
    return Verdict(name=name, verdict="passed", score=score, reason=reason, spans=_spans(spans))


def failed(
    name: str, reason: str, score: float = 0.0, spans: Iterable[tuple[int, int]] = ()
) -> Verdict:
    """Return the verdict that something is wrong, which `reason` names, at `spans`."""
    return Verdict(name=name, verdict="failed", score=score, reason=reason, spans=_spans(spans))


def could_not_check(name: str, reason: str) -> Verdict:
    """Return the verdict that a person must look, and why."""
    return Verdict(name=name, verdict="could_not_check", score=0.0, reason=reason)


def _spans(places: Iterable[tuple[int, int]]) -> tuple[Span, ...]:
    return tuple(Span(start=start, end=end) for start, end in places)
