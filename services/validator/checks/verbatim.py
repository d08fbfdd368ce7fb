"""How much of the answer stands in a passage word for word."""

from typing import Final

from services.validator.case import Case, could_not_check, one_spaced, passed, shown
from services.validator.sentences import sentences
from shared.events import Verdict

NAME: Final = "verbatim"
_NAMED: Final = 3


def check(case: Case) -> Verdict:
    """Measure the share of sentences that are quoted: they stand in a passage that is cited.

    Of an answer that cites nothing, in any passage given. Line breaks and list marks do not
    count. The verdict is `passed` once it could be measured; a release without a certificate
    approves quotes alone.
    """
    said = sentences(case.answer.text)
    if not said:
        return could_not_check(NAME, "the answer has no sentence to look for")
    passages = case.cited if case.answer.citations else case.passages
    texts = [one_spaced(passage.text) for passage in passages]
    own = [s for s in said if not any(_plain(s.text) in text for text in texts)]
    reason = f"{len(said) - len(own)} of {len(said)} sentences are quotes"
    if own:
        reason += f"; in its own words: {', '.join(shown(s.text) for s in own[:_NAMED])}"
    return passed(NAME, reason, 1 - len(own) / len(said), [(s.start, s.end) for s in own])


def _plain(sentence: str) -> str:
    return one_spaced(sentence.removeprefix("- ").removeprefix("* ").removeprefix("• "))
