"""Why a claim is in doubt, in words for a reviewer."""

import re
from typing import Final

from services.validator.grounding.claim import Claim, Statement
from services.validator.grounding.lexicon import lexicon
from services.validator.grounding.words import STOP_WORDS

_NAMED: Final = 4


def why(claim: Claim, statement: Statement) -> str:
    """Return what about a claim the passages do not back, or that only its words stand there."""
    known = statement.evidence.words | statement.asked
    wrong = [finding for finding in claim.findings if not finding.status.is_right]
    reasons = [f"'{finding.text}' {finding.reason}" for finding in wrong[:_NAMED]]
    new = dict.fromkeys(
        word
        for word, stem in zip(claim.words.written, claim.words.stems, strict=True)
        if stem in claim.content
        and stem not in known
        and word not in STOP_WORDS
        and not lexicon().same(stem) & known
    )
    if new:
        reasons.append(f"in no passage: {', '.join(list(new)[:_NAMED])}")
    against = [
        word
        for word, stem in zip(claim.words.written, claim.words.stems, strict=True)
        if stem not in known and lexicon().opposite(stem) & known
    ]
    if against:
        reasons.append(f"the passages say the opposite of {', '.join(against[:_NAMED])}")
    if not reasons:
        return "its words stand in the passages, but not together"
    return ", ".join(re.sub(r"\s+", " ", reason) for reason in reasons)
