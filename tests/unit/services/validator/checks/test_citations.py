from collections.abc import Callable

import pytest

from services.validator.case import Case
from services.validator.checks.citations import check
from shared.events import Answer, Citation, Passage
from shared.release import BUILT_IN

MakeCase = Callable[..., Case]

PASSAGE = "Net sales rose to $3.2 billion,\nup 12% on 2022. Margins were stable."


@pytest.mark.parametrize(
    "quote",
    [
        "Net sales rose to $3.2 billion,\nup 12% on 2022.",
        "Net sales rose to $3.2 billion, up 12% on 2022.",
        "Margins were stable.",
    ],
)
def test_a_quote_that_stands_in_the_passage_passes(make_case: MakeCase, quote: str) -> None:
    assert check(make_case("Yes.", PASSAGE, quote=quote)).verdict == "passed"


@pytest.mark.parametrize(
    "quote",
    [
        "Net sales rose to $3.2 million,",
        "net sales rose to $3.2 billion",
        "Net sales rose to $3.2 billion. Margins were stable.",
        "Net sales … up 12% on 2022.",
    ],
)
def test_a_quote_that_differs_in_anything_fails_and_is_shown(
    make_case: MakeCase, quote: str
) -> None:
    verdict = check(make_case("Yes.", PASSAGE, quote=quote))
    assert verdict.verdict == "failed"
    assert quote in verdict.reason
    assert "report, p. 1" in verdict.reason


@pytest.mark.parametrize("quote", ["", "  \n", "..."])
def test_a_quote_of_nothing_fails(make_case: MakeCase, quote: str) -> None:
    assert check(make_case("Yes.", PASSAGE, quote=quote)).verdict == "failed"


def test_an_answer_without_citations_fails(make_case: MakeCase) -> None:
    verdict = check(make_case("Yes.", PASSAGE, cited=False))
    assert verdict.verdict == "failed"
    assert verdict.reason == "the answer cites nothing"


def _case(*citations: Citation) -> Case:
    passages = (
        Passage(id="1", document_id="a", locator="p. 1", text="First half of the page."),
        Passage(id="2", document_id="a", locator="p. 1", text="Second half of the page."),
        Passage(id="3", document_id="a", locator="p. 2", text="Another page."),
    )
    return Case("?", Answer(text="Yes.", citations=citations), passages, BUILT_IN)


@pytest.mark.parametrize(("document", "locator"), [("a", "p. 3"), ("b", "p. 1")])
def test_a_passage_that_was_not_given_cannot_be_cited(document: str, locator: str) -> None:
    verdict = check(_case(Citation(document_id=document, locator=locator, quote="page")))
    assert verdict.verdict == "failed"
    assert f"{document}, {locator} is cited but was not among" in verdict.reason


def test_a_quote_may_stand_in_any_passage_cut_from_its_page() -> None:
    verdict = check(_case(Citation(document_id="a", locator="p. 1", quote="Second half")))
    assert verdict.verdict == "passed"


def test_a_quote_under_the_wrong_locator_fails_and_the_score_is_the_share_of_good_ones() -> None:
    good = Citation(document_id="a", locator="p. 2", quote="Another page.")
    bad = Citation(document_id="a", locator="p. 1", quote="Another page.")
    verdict = check(_case(good, bad))
    assert (verdict.verdict, verdict.score) == ("failed", 0.5)


PAGES = (
    Passage(id="1", document_id="a", locator="p. 1", text="Net sales rose in every region."),
    Passage(id="2", document_id="a", locator="p. 2", text="The plant in Denver closed in May."),
)
FIRST = Citation(document_id="a", locator="p. 1", quote=PAGES[0].text)
SECOND = Citation(document_id="a", locator="p. 2", quote=PAGES[1].text)


@pytest.mark.parametrize(
    ("answer", "citations", "said"),
    [
        (
            "Sales rose in every region. The plant in Denver closed.",
            (FIRST,),
            "a, p. 2, which is not",
        ),
        ("The plant in Denver closed in May [1].", (FIRST, SECOND), "not backed by what it cites"),
        ("The plant in Denver closed in May [3].", (FIRST, SECOND), "[3] marks no citation"),
    ],
)
def test_a_sentence_that_hangs_on_nothing_or_the_wrong_page_fails(
    answer: str, citations: tuple[Citation, ...], said: str
) -> None:
    verdict = check(Case("?", Answer(text=answer, citations=citations), PAGES, BUILT_IN))
    assert verdict.verdict == "failed"
    assert said in verdict.reason
    assert verdict.spans


@pytest.mark.parametrize(
    ("answer", "citations"),
    [
        ("Sales rose in every region [1]. The plant in Denver closed [2].", (FIRST, SECOND)),
        ("Sales rose in every region. The plant in Denver closed.", (FIRST, SECOND)),
        ("Sales rose. The passages do not mention margins.", (FIRST,)),
    ],
)
def test_sentences_that_their_citations_back_pass(
    answer: str, citations: tuple[Citation, ...]
) -> None:
    verdict = check(Case("?", Answer(text=answer, citations=citations), PAGES, BUILT_IN))
    assert verdict.verdict == "passed"
