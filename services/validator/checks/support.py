"""How much of the answer is backed by what it cites."""

from typing import Final

from services.validator.case import Case, could_not_check, passed, shown
from services.validator.sentences import sentences
from services.validator.support import is_supported, read_source
from shared.events import Verdict

NAME: Final = "support"
_NAMED: Final = 3


def check(case: Case) -> Verdict:
    """Measure the share of the answer's sentences that a cited passage supports.

    The share is the score, and the release's thresholds decide on it: the verdict is `passed`
    once it could be measured. It is no calibrated probability.
    """
    said = sentences(case.answer.text)
    if not said:
        return could_not_check(NAME, "the answer has no sentence to find support for")
    sources = [read_source(passage.title, passage.text) for passage in case.cited]
    unsupported = [s for s in said if not any(is_supported(s.text, source) for source in sources)]
    reason = f"{len(said) - len(unsupported)} of {len(said)} sentences are supported"
    if unsupported:
        named = ", ".join(shown(sentence.text) for sentence in unsupported[:_NAMED])
        reason += f"; not supported: {named}"
    return passed(NAME, reason, 1 - len(unsupported) / len(said))
