"""Every citation names a passage that was given, and its quote stands in it word for word."""

from typing import Final

from services.validator.case import Case, failed, one_spaced, passed, shown
from shared.events import Citation, Verdict

NAME: Final = "citations"


def check(case: Case) -> Verdict:
    """Fail an answer without citations, or with one that cannot be found in what was given.

    Line breaks count as spaces, since a quote may be set in other lines; nothing else may differ.
    """
    citations = case.answer.citations
    if not citations:
        return failed(NAME, "the answer cites nothing")
    problems = [problem for c in citations if (problem := _problem(case, c))]
    score = 1 - len(problems) / len(citations)
    if problems:
        return failed(NAME, "; ".join(problems), score)
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
