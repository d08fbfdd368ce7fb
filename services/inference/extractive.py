"""The generator that needs no model: it answers with the sentences that answer, quoted exactly.

Segments that score well enough (see `scoring`) are quoted, the best first; where none does, nothing
was found.
"""

import asyncio
from collections.abc import Iterable
from typing import Final

from services.inference import question as questions
from services.inference.generator import Draft, Rejected, Task
from services.inference.scoring import candidates, scores
from services.inference.tokens import words
from shared.events import Answer, Citation, Passage, Usage

MODEL: Final = "extractive-1"
THRESHOLD: Final = 0.45
"""Score from which a segment answers."""
FOLLOWING: Final = 0.8
"""Share of the best score from which a further segment is quoted too."""
_THREAD_ABOVE: Final = 2_000
"""Characters, of question and passages, above which reading them is left to a thread: so many take
some 5 ms the first time. Of less, the hand-over is a large part, and threads of pure Python run one
at a time anyway."""


class ExtractiveGenerator:
    """Implements `services.inference.generator.Generator`.

    Its usage counts words between spaces, as it has no tokens, and costs nothing.
    """

    async def generate(self, task: Task) -> Draft:
        """See `Generator.generate`."""
        read = [task.request.question, *(passage.text for passage in task.passages)]
        if sum(map(len, read)) > _THREAD_ABOVE:
            answer = await asyncio.to_thread(_answer, task)
        else:
            answer = _answer(task)
        usage = Usage(
            model=MODEL,
            input_tokens=sum(len(text.split()) for text in read),
            output_tokens=len(answer.text.split()) if answer else 0,
        )
        return Draft(answer, usage)


def _answer(task: Task) -> Answer | None:
    best = extract(
        task.request.question,
        task.passages,
        sentences=task.parameters.sentences,
        avoid=failed_figures(task.rejected),
    )
    return Answer(text="\n".join(c.quote for c in best), citations=best) if best else None


def extract(
    question: str,
    passages: Iterable[Passage],
    *,
    sentences: int,
    avoid: frozenset[str] = frozenset(),
) -> tuple[Citation, ...]:
    """Return quotes that answer the question, the best first; none when nothing answers it.

    At most so many `sentences`, of which a table's row may bring its header. Segments with a
    figure to `avoid` are left out.
    """
    asked = questions.read(question)
    found = [c for c in candidates(passages) if c.words and avoid.isdisjoint(c.words)]
    ranked = sorted(
        zip(scores(asked, found), found, strict=True), key=lambda pair: pair[0], reverse=True
    )
    chosen = [
        candidate
        for score, candidate in ranked[:sentences]
        if score >= max(THRESHOLD, FOLLOWING * ranked[0][0])
    ]
    quoted = {
        (candidate.passage.document_id, candidate.passage.locator, quote): None
        for candidate in chosen
        for quote in candidate.quotes()
    }
    return tuple(Citation(document_id=d, locator=p, quote=q) for d, p, q in quoted)


def failed_figures(rejected: Rejected | None) -> frozenset[str]:
    """Return the figures of a rejected answer that a failed check speaks of."""
    if rejected is None or rejected.answer is None:
        return frozenset()
    reasons = " ".join(c.reason for c in rejected.checks if c.verdict == "failed")
    figures = {word for word in words(rejected.answer.text) if word[0].isdigit()}
    return frozenset(figures.intersection(words(reasons)))
