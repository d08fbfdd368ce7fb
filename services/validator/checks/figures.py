"""Every figure of the answer stands in the passages as what the answer says it is, or follows."""

from collections.abc import Iterator, Sequence
from typing import Final

from services.validator.case import Case, text_of, texts_of
from services.validator.findings import FigureFinding, Status, examined
from shared.events import Compared, Passage, Span, Verdict

NAME: Final = "figures"
_SURE: Final = 0.5
"""Below this confidence a figure is for a person to look at."""


def check(case: Case) -> Verdict:
    """Fail an answer with a number or date that the passages do not have as it is claimed.

    It must stand there for the same thing and period, in the same unit, scale and sign; or be
    computed rightly, to its last digit, from figures that do. Where the answer cites, only the
    cited passages count. A figure that cannot be read stands only literally; where it does not,
    nobody can say.
    """
    passages = case.cited if case.answer.citations else case.passages
    findings = examined(case.question, case.answer.text, texts_of(passages))
    if not findings:
        return Verdict(name=NAME, verdict="passed", score=1.0, reason="the answer has no figures")
    missing = [finding for finding in findings if not finding.status.is_right]
    wrong = [f for f in missing if f.status is not Status.UNREADABLE and f.confidence >= _SURE]
    verdict = "failed" if wrong else "could_not_check" if missing else "passed"
    return Verdict(
        name=NAME,
        verdict=verdict,
        score=(1 - len(missing) / len(findings)) if wrong or not missing else 0.0,
        reason=_reason(wrong or missing or list(findings)),
        spans=tuple(Span(start=f.start, end=f.end) for f in wrong or missing),
        compared=tuple(_compared(findings, passages)),
    )


def _compared(findings: Sequence[FigureFinding], passages: Sequence[Passage]) -> Iterator[Compared]:
    """Return where the figures stand that those of the answer were held against.

    A fact counts from the beginning of the title.
    """
    by_text = {text_of(passage): passage for passage in passages}
    for finding in findings:
        fact = finding.fact
        if fact is None or fact.start < 0:
            continue
        passage = by_text[fact.row[0]]
        start = fact.start - (len(text_of(passage)) - len(passage.text))
        end = start + len(fact.written)
        if start >= 0 and passage.text[start:end] == fact.written:
            yield Compared(
                figure=finding.text,
                document_id=passage.document_id,
                locator=passage.locator,
                start=start,
                end=end,
                text=fact.written,
            )


def _reason(findings: list[FigureFinding]) -> str:
    if all(finding.status.is_right for finding in findings):
        computed = sum(finding.status is Status.DERIVED for finding in findings)
        also = f", {computed} of them by computation" if computed else ""
        return f"all figures stand in the passages ({len(findings)}){also}"
    return "; ".join(f"'{finding.text}' {finding.reason}" for finding in findings)
