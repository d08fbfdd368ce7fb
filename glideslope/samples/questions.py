"""What the demo asks: one question for each way that a request can end, and a few more.

Two questions carry the metadata `planted_fault`. Where planted faults are switched on, which is
only in the demo and in tests, inference then alters a figure of its draft, as a model might: once
(`wrong_number`) or on every attempt (`wrong_number_always`).
"""

import json
from dataclasses import dataclass
from typing import Any, Final, Literal

from glideslope.samples.documents import CREDIT_STAFF
from shared.topics import FALLBACK_REGENERATE, FALLBACK_REVIEW, Topic

End = Literal["answered", "answered_by_person", "refused", "rejected", "duplicated", "dead letter"]


@dataclass(frozen=True, slots=True)
class SampleQuestion:
    """One record on `requests` and the one end that it must have.

    `value` is the record's value, `conversation` its key. `says` is what the answer must contain,
    `passes` are topics that it must have been on. `decision` is what the reviewer writes where a
    person must decide.
    """

    id: str
    shows: str
    value: bytes
    end: End
    says: str | None = None
    passes: tuple[Topic, ...] = ()
    decision: str | None = None
    conversation: str = "demo"

    @property
    def question(self) -> str:
        """The question, or what there is instead."""
        try:
            return str(json.loads(self.value)["question"])
        except ValueError:
            return repr(self.value)


def _asking(question: str, **more: Any) -> bytes:
    return json.dumps({"question": question, **more}, ensure_ascii=False).encode()


def _person(name: str, *groups: str) -> dict[str, Any]:
    return {"principal": {"id": name, "groups": groups}}


_INTEREST_INCOME: Final = _asking("What was the net interest income in 2024?")
_LOAN_TO_VALUE: Final = "What is the maximum loan-to-value ratio for owner-occupied property?"
_EARLY_REPAYMENT: Final = "What is the early repayment fee for Flexline?"
_ALWAYS_WRONG: Final = {"metadata": {"planted_fault": "wrong_number_always"}}
_ONCE_WRONG: Final = {"metadata": {"planted_fault": "wrong_number"}}

QUESTIONS: Final = (
    SampleQuestion(
        "demo-01",
        "a figure",
        _INTEREST_INCOME,
        "answered",
        says="214.6 million",
        conversation="analyst-1",
    ),
    SampleQuestion(
        "demo-02",
        "a figure in a table",
        _asking("What was the impairment charge of the Working Capital segment?"),
        "answered",
        says="9.5",
        conversation="analyst-1",
    ),
    SampleQuestion(
        "demo-03",
        "a date",
        _asking("When does the annual general meeting take place?"),
        "answered",
        says="14 May 2025",
        conversation="analyst-2",
    ),
    SampleQuestion(
        "demo-04",
        "a restricted document, to one who may see it",
        _asking(_LOAN_TO_VALUE, **_person("e.varrick", CREDIT_STAFF)),
        "answered",
        says="70%",
        conversation="credit-desk",
    ),
    SampleQuestion(
        "demo-05",
        "the same document, to one who may not",
        _asking(_LOAN_TO_VALUE, **_person("a.guest")),
        "refused",
        conversation="visitor",
    ),
    SampleQuestion(
        "demo-06",
        "a product question",
        _asking("What is the highest Flexline limit?"),
        "answered",
        says="EUR 400,000",
        conversation="branch-1",
    ),
    SampleQuestion(
        "demo-07",
        "a passage that the sender brings along",
        _asking(
            "What is the notice period of the Sallowby lease?",
            passages=[
                {
                    "id": "lease-2025",
                    "text": "The notice period of the Nether Sallowby lease is 9 months.",
                }
            ],
        ),
        "answered",
        says="9 months",
        conversation="branch-2",
    ),
    SampleQuestion(
        "demo-08",
        "nothing in the documents answers",
        _asking("Who won the chess championship in Reykjavik?"),
        "refused",
        conversation="branch-2",
    ),
    SampleQuestion(
        "demo-09",
        "a wrong number, caught and made good",
        _asking("What was the common equity tier 1 ratio at 31 December 2024?", **_ONCE_WRONG),
        "answered",
        says="14.8%",
        passes=(FALLBACK_REGENERATE,),
        conversation="analyst-3",
    ),
    SampleQuestion(
        "demo-10",
        "a wrong number twice: a person decides",
        _asking(_EARLY_REPAYMENT, **_ALWAYS_WRONG),
        "answered_by_person",
        says="1.5%",
        passes=(FALLBACK_REGENERATE, FALLBACK_REVIEW),
        decision="The early repayment fee for Flexline is 1.5% of the amount repaid; "
        "it is waived after the first 12 months.",
        conversation="branch-1",
    ),
    SampleQuestion(
        "demo-11",
        "an empty question",
        _asking("   "),
        "rejected",
        conversation="careless-system",
    ),
    SampleQuestion(
        "demo-01",
        "in the place of demo-12 the first question, sent again",
        _INTEREST_INCOME,
        "duplicated",
        conversation="analyst-1",
    ),
    SampleQuestion(
        "demo-13",
        "bytes that are no JSON",
        b"\x00\xff what was the net interest income?",
        "dead letter",
        conversation="broken-system",
    ),
)
