"""Every citation names a given passage, is verbatim, and backs a sentence; none is missing."""

import re
from collections.abc import Iterator
from typing import Final

from services.validator.case import Case, failed, one_spaced, passed, shown
from services.validator.grounding.refusal import refuses
from services.validator.grounding.words import Words
from services.validator.sentences import Sentence, sentences
from shared.events import Citation, Passage, Verdict

NAME: Final = "citations"
_MARK: Final = re.compile(r"\[(\d{1,3})\]")
_BACKED: Final = 0.3
"""Share of a sentence's content words that what it hangs on must have."""
_ELSEWHERE: Final = 0.6
_LEAST: Final = 3


def check(case: Case) -> Verdict:
    """Fail an answer without citations, or with one that cannot be found or backs nothing.

    A quote must stand in the passage that its citation names; line breaks count as spaces, and
    nothing else may differ. A sentence with a mark ('[2]', the second citation) hangs on that one,
    any other on all of them. One that rests on a passage that is not cited needs a citation.
    """
    citations = case.answer.citations
    if not citations:
        return failed(NAME, "the answer cites nothing")
    problems = [problem for c in citations if (problem := _problem(case, c))]
    score = 1 - len(problems) / len(citations)
    if problems:
        return failed(NAME, "; ".join(problems), score)
    hanging = list(_hanging(case))
    if hanging:
        return failed(
            NAME,
            "; ".join(reason for _, reason in hanging),
            1 - len(hanging) / max(len(hanging), len(sentences(case.answer.text))),
            [(sentence.start, sentence.end) for sentence, _ in hanging],
        )
    return passed(NAME, f"all quotes stand in the passages they name ({len(citations)})", score)


def _problem(case: Case, citation: Citation) -> str | None:
    place = f"{citation.document_id}, {citation.locator}"
    quote = one_spaced(citation.quote)
    if not any(character.isalnum() for character in quote):
        return f"the citation of {place} quotes nothing"
    named = case.named_by(citation)
    if not named:
        return f"{place} is cited but was not among the passages given"
    if not any(quote in one_spaced(passage.text) for passage in named):
        return f"the quote {shown(quote)} does not stand in {place}"
    return None


def _hanging(case: Case) -> Iterator[tuple[Sentence, str]]:
    """Return the sentences that hang on nothing, or on the wrong thing, and why."""
    cited = _content(case.cited)
    others = [passage for passage in case.passages if passage not in case.cited]
    for sentence in sentences(case.answer.text):
        content = frozenset(Words.of(_MARK.sub(" ", sentence.text)).content)
        marks = [int(mark) for mark in _MARK.findall(sentence.text)]
        strange = [mark for mark in marks if not 0 < mark <= len(case.answer.citations)]
        if strange:
            yield sentence, f"[{strange[0]}] marks no citation of this answer"
        elif len(content) < _LEAST or refuses(sentence.text):
            continue
        elif marks:
            meant = [p for m in marks for p in case.named_by(case.answer.citations[m - 1])]
            if _share(content, _content(meant)) < _BACKED:
                yield sentence, f"{shown(sentence.text)} is not backed by what it cites"
        elif _share(content, cited) < _BACKED:
            better = next((p for p in others if _share(content, _content([p])) >= _ELSEWHERE), None)
            if better is not None:
                place = f"{better.document_id}, {better.locator}"
                yield sentence, f"{shown(sentence.text)} rests on {place}, which is not cited"


def _content(passages: list[Passage]) -> frozenset[str]:
    return frozenset(stem for p in passages for stem in Words.of(f"{p.title} {p.text}").content)


def _share(part: frozenset[str], whole: frozenset[str]) -> float:
    return len(part & whole) / len(part)
