"""Nobody but the release tells the model what to do, and the answer carries nothing out."""

from collections.abc import Iterator
from typing import Final

from services.validator.case import Case, could_not_check, failed, passed
from services.validator.remembered import remembered
from shared.events import Passage, Span, Verdict
from shared.screening import Screening, links_out, screen_passage, screen_question
from shared.screening.plain import plain

NAME: Final = "injection"
_CERTAIN: Final = 0.99


def check(case: Case) -> Verdict:
    """Fail an answer that carries data out; let a person see what was made from an attack.

    An answer fails with a link that stands in nothing given, with an image or script, or with
    hidden characters. It could not be checked where the question is flagged, where a passage that
    it rests on is, or any passage with certainty. An answer without citations rests on all.
    """
    problems = list(_carried_out(case))
    if problems:
        verdict = failed(NAME, "; ".join(dict.fromkeys(reason for reason, _, _ in problems)))
        spans = tuple(Span(start=start, end=end) for _, start, end in problems)
        return verdict.model_copy(update={"spans": spans})
    question = screen_question(case.question)
    if question.flagged:
        return could_not_check(NAME, f"the question looks like an attack: {_listed(question)}")
    resting = case.cited if case.answer.citations else list(case.passages)
    for passage in case.passages:
        found = _screened(passage.text)
        if found.flagged and (found.score >= _CERTAIN or passage in resting):
            return could_not_check(NAME, f"{_place(passage)}: {_listed(found)}")
    return passed(NAME, "nothing in the question or the passages speaks to the model")


# the same passages come back with every popular question
_screened: Final = remembered(512)(screen_passage)


def _carried_out(case: Case) -> Iterator[tuple[str, int, int]]:
    text = case.answer.text
    for hidden in plain(text).hidden:
        yield f"the answer has {hidden.reason}", hidden.start, hidden.end
    links = list(links_out(text))
    if not links:
        return
    policy = case.release.policy
    allowed = set((policy.link_hosts if policy else None) or ())
    given = " ".join((case.question, *(passage.text for passage in case.passages)))
    for link in links:
        if link.host in allowed:
            continue
        if link.automatic:
            yield f"the answer has {link.reason}, from {link.host}", link.start, link.end
        elif link.url.rstrip(".,;:!?") not in given:
            reason = f"the answer has {link.reason} that stands in nothing given, to {link.host}"
            yield reason, link.start, link.end


def _listed(found: Screening) -> str:
    return ", ".join(found.reasons)


def _place(passage: Passage) -> str:
    return f"{passage.document_id}, {passage.locator}, may have been tampered with"
