"""The answer is about what was asked: the period, the kind of thing, and the sense of the word."""

from typing import Final

from services.validator.case import Case, could_not_check, failed, passed, text_of
from services.validator.dates import Date
from services.validator.figures import read_figures
from services.validator.grounding.asking import Asked, fits_asked, kind_asked
from services.validator.grounding.refusal import Refusal, refusal
from services.validator.grounding.words import Words
from services.validator.persons import asks_who, names_somebody
from services.validator.senses import other_sense
from shared.events import Verdict

NAME: Final = "relevance"
_WANTED: Final = {
    Asked.PERCENT: "a percentage or ratio",
    Asked.QUANTITY: "a number",
    Asked.TIME: "a time",
}


def check(case: Case) -> Verdict:
    """Fail an answer that names only other years than the question, or lacks what kind was asked.

    Where the question's only word means something else in the answer, or somebody was asked for
    and nobody is named, it cannot be told whether that is an answer: a person decides. The score is
    the share of the question's content words that the answer takes up; it decides nothing by
    itself, since a short answer takes up few.
    """
    if refusal(case.answer.text) is Refusal.WHOLLY:
        return passed(NAME, "a refusal answers nothing: see the check 'refusal'", 0.0)
    asked = frozenset(Words.of(case.question).content)
    taken_up = len(asked & frozenset(Words.of(case.answer.text).content)) / max(1, len(asked))
    if not fits_asked(case.question, case.answer.text):
        wanted = _WANTED[kind_asked(case.question)]
        return failed(NAME, f"{wanted} was asked for, and the answer has none", taken_up)
    years, said = _years(case.question), _years(case.answer.text)
    if years and said and not years & said:
        return failed(
            NAME,
            f"{_listed(years)} was asked for, the answer speaks of {_listed(said)}",
            taken_up,
        )
    doubt = _doubt(case)
    if doubt is not None:
        return could_not_check(NAME, doubt)
    return passed(NAME, f"takes up {taken_up:.0%} of the question's words", taken_up)


def _doubt(case: Case) -> str | None:
    senses = other_sense(case.question, case.answer.text)
    if senses is not None:
        asked, said = senses
        return f"it takes up one word of the question, in another sense: '{said}' for '{asked}'"
    texts = map(text_of, case.passages)
    if asks_who(case.question) and not names_somebody(case.answer.text, texts):
        return "somebody was asked for, and the answer names neither a person nor a role"
    return None


def _years(text: str) -> frozenset[int]:
    return frozenset(
        reading.year
        for figure in read_figures(text).figures
        for reading in figure.readings
        if isinstance(reading, Date) and reading.year is not None
    )


def _listed(years: frozenset[int]) -> str:
    return ", ".join(map(str, sorted(years)))
