"""Answers that wait for a person, as a firm's analysts would have them."""

from datetime import UTC, datetime
from typing import Any

from shared.events import (
    Answer,
    AnswerChecked,
    Citation,
    Claim,
    Compared,
    Confidence,
    Passage,
    RequestAccepted,
    Span,
    Usage,
    Verdict,
)
from shared.release import BUILT_IN

_TABLE = """Consolidated statements of income, in millions of dollars

| | 2023 | 2022 |
|---|---|---|
| Net sales | 6,310 | 5,847 |
| Cost of sales | 3,962 | 3,733 |
| Operating income | 1,118 | 1,064 |
"""
_TEXT = "Net sales were $6,310 million in 2023. Operating income rose to $1,181 million."
_QUESTION = "What were net sales and operating income of Harbor Freight Lines in 2023?"


def checked(name: str = "q-1041", **changed: Any) -> AnswerChecked:
    """Return one of which a figure does not stand in its table."""
    cell, wrong = _TABLE.index("1,118"), _TEXT.index("$1,181 million")
    sales = _TABLE.index("6,310")
    return AnswerChecked(
        request=RequestAccepted(
            request_id=name,
            request_source="/desk/research",
            tenant="acme",
            question=changed.pop("question", _QUESTION),
            received_at=datetime.now(UTC),
            release=BUILT_IN.content_hash(),
        ),
        answer=Answer(
            text=_TEXT,
            citations=(
                Citation(document_id="10-k-2023", locator="p. 41", quote="Net sales | 6,310"),
                Citation(
                    document_id="10-k-2023", locator="p. 41", quote="Operating income | 1,118"
                ),
            ),
        ),
        claims=(
            Claim(text="Net sales were $6,310 million in 2023.", citations=(0,)),
            Claim(text="Operating income rose to $1,181 million.", citations=(1,)),
        ),
        passages=(
            Passage(
                id="1",
                document_id="10-k-2023",
                title="Annual report 2023",
                locator="p. 41",
                text=_TABLE,
            ),
            Passage(
                id="2",
                document_id="call-q4",
                title="Earnings call, fourth quarter",
                locator="p. 3",
                text="Demand held through the year, and operating income reached a new high.",
            ),
        ),
        usage=Usage(model="extractive-1", input_tokens=812, output_tokens=41),
        checks=(
            Verdict(
                name="figures",
                verdict="failed",
                score=0.5,
                reason="'$1,181 million' is not what stands for 'Operating income': '1,118'",
                spans=(Span(start=wrong, end=wrong + len("$1,181 million")),),
                compared=(
                    Compared(
                        figure="$6,310 million",
                        document_id="10-k-2023",
                        locator="p. 41",
                        start=sales,
                        end=sales + 5,
                        text="6,310",
                    ),
                    Compared(
                        figure="$1,181 million",
                        document_id="10-k-2023",
                        locator="p. 41",
                        start=cell,
                        end=cell + 5,
                        text="1,118",
                    ),
                ),
            ),
            Verdict(
                name="citations",
                verdict="passed",
                score=1.0,
                reason="every quote stands in the passage that it names",
            ),
            Verdict(
                name="groundedness",
                verdict="could_not_check",
                score=0.4,
                reason="one sentence of two is supported",
                spans=(Span(start=39, end=len(_TEXT)),),
            ),
        ),
        confidence=Confidence(probability=0.41, threshold=0.9),
        reason="figures failed: a person decides",
        **changed,
    )
