import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.inference.extractive import ExtractiveGenerator, extract, failed_figures
from services.inference.generator import Rejected, Task
from shared.events import Answer, Citation, Passage, RequestAccepted, Verdict
from shared.release import BUILT_IN

REPORT = """\
# Orvane plc: Annual Report 2024

Net interest income rose by 8.3% to EUR 214.6 million in 2024, from EUR 198.2 million in 2023.
The annual general meeting takes place on 14 May 2025 at the Corn Hall.
Margins declined because deposit rates rose faster than lending rates.

## Results by segment

| Segment | Net interest income | Impairment charge |
|---|---|---|
| Equipment Finance | 96.1 | 19.8 |
| Working Capital | 71.3 | 9.5 |
"""
POLICY = """\
## Who approves

Exposures above EUR 25 million are approved by the board. Every exposure is reviewed once a year.
The late payment fee is EUR 35. Complaints are answered within 15 business days.
"""
PASSAGES = (
    Passage(id="1", document_id="report", title="Orvane report 2024", locator="p. 1", text=REPORT),
    Passage(id="1", document_id="policy", title="Orvane policy", locator="§ 4", text=POLICY),
)


def quotes(question: str, *passages: Passage, sentences: int = 1) -> list[str]:
    found = extract(question, passages or PASSAGES, sentences=sentences)
    return [citation.quote for citation in found]


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("What was the net interest income in 2024?", "EUR 214.6 million"),
        ("When does the annual general meeting take place?", "14 May 2025"),
        ("Who approves exposures above EUR 25 million?", "by the board"),
        ("How much is the late payment fee?", "EUR 35"),
        ("How quickly are complaints answered?", "15 business days"),
        ("Why did margins decline?", "deposit rates"),
    ],
)
def test_a_question_is_answered_by_the_sentence_that_answers(question: str, answer: str) -> None:
    assert answer in quotes(question)[0]


def test_a_row_of_a_table_comes_with_its_header() -> None:
    assert quotes("What was the impairment charge of Working Capital?") == [
        "| Segment | Net interest income | Impairment charge |",
        "| Working Capital | 71.3 | 9.5 |",
    ]


@pytest.mark.parametrize(
    "question",
    [
        "What is the parental leave policy?",
        "Who won the chess championship in Reykjavik?",
        "What is the capital of France?",
        "What is the interest rate on cryptocurrency deposits?",
        "What was the net interest income in 2031?",
        "What was the net interest income of Northgate?",
        "What is the share price?",
        "?",
    ],
)
def test_what_the_passages_do_not_say_has_no_answer(question: str) -> None:
    assert quotes(question, sentences=3) == []


def test_without_passages_there_is_no_answer() -> None:
    assert extract("What was the net interest income?", (), sentences=3) == ()


def test_the_document_of_the_year_asked_for_is_preferred() -> None:
    text = "Total revenue was EUR {} million."
    passages = [
        Passage(id="1", document_id=y, title=f"Report {y}", locator="p. 1", text=text.format(n))
        for y, n in (("2022", 10), ("2023", 20), ("2024", 30))
    ]

    assert quotes("What was total revenue in 2023?", *passages) == [
        "Total revenue was EUR 20 million."
    ]


def test_no_more_is_quoted_than_asked_for() -> None:
    text = " ".join(f"The late payment fee of product {n} is EUR {n}." for n in range(20))
    passage = Passage(id="1", document_id="d", locator="p. 1", text=text)

    assert len(quotes("What is the late payment fee?", passage, sentences=3)) == 3


def test_a_sentence_with_a_figure_to_avoid_is_not_quoted() -> None:
    question = "How much is the late payment fee?"

    assert extract(question, PASSAGES, sentences=1)
    assert not extract(question, PASSAGES, sentences=1, avoid=frozenset({"35"}))


def test_the_figures_that_failed_are_those_of_the_answer_that_a_failed_check_names() -> None:
    rejected = Rejected(
        Answer(text="The fee is EUR 45, reviewed in 2024."),
        (
            Verdict(name="figures", verdict="failed", score=0.5, reason="1 of 2: 45 is nowhere"),
            Verdict(name="length", verdict="passed", score=1.0, reason="2024 characters"),
        ),
    )

    assert failed_figures(rejected) == {"45"}
    assert failed_figures(None) == frozenset()


async def test_an_answer_is_its_quotes_and_its_usage_is_counted_in_words() -> None:
    task = Task(request("How much is the late payment fee?"), PASSAGES, BUILT_IN)

    draft = await ExtractiveGenerator().generate(task)

    assert draft.answer == Answer(
        text="The late payment fee is EUR 35.",
        citations=(
            Citation(document_id="policy", locator="§ 4", quote="The late payment fee is EUR 35."),
        ),
    )
    assert draft.usage.model == "extractive-1"
    assert draft.usage.output_tokens == 7
    assert draft.usage.input_tokens == 7 + len(REPORT.split()) + len(POLICY.split())
    assert draft.usage.cost_usd == 0


async def test_long_passages_are_answered_from_as_short_ones_are() -> None:
    long = PASSAGES[0].model_copy(update={"id": "2", "text": "Nothing of note took place. " * 100})
    asked = request("How much is the late payment fee?")

    short, longer = [
        await ExtractiveGenerator().generate(Task(asked, passages, BUILT_IN))
        for passages in (PASSAGES, (*PASSAGES, long))
    ]

    assert short.answer == longer.answer


async def test_word_that_nothing_was_found_has_a_usage_too() -> None:
    task = Task(request("Who won at chess?"), PASSAGES, BUILT_IN)

    draft = await ExtractiveGenerator().generate(task)

    assert draft.answer is None
    assert draft.usage.output_tokens == 0


def request(question: str) -> RequestAccepted:
    return RequestAccepted.model_validate(
        {
            "request_id": "1",
            "request_source": "/test",
            "tenant": "acme",
            "question": question,
            "received_at": "2025-01-01T00:00:00Z",
            "release": BUILT_IN.content_hash(),
        }
    )


WORDS = st.sampled_from(
    [
        "what", "Who", "was", "total", "net", "revenue", "loan", "board", "EUR", "2024", "3,200",
        "14.8%", "|", "-", "#", "\n", "\n\n", ".", "?", ":", "$",
    ]
)  # fmt: skip
TEXTS = st.one_of(st.text(max_size=200), st.lists(WORDS, max_size=60).map(" ".join))


@given(
    question=TEXTS,
    texts=st.lists(TEXTS, max_size=4),
    title=st.text(max_size=20),
    sentences=st.integers(1, 5),
)
def test_whatever_is_asked_every_quote_stands_verbatim_in_the_passage_it_names(
    question: str, texts: list[str], title: str, sentences: int
) -> None:
    passages = [
        Passage(id=str(n), document_id="d", title=title, locator=f"p. {n}", text=text)
        for n, text in enumerate(texts)
    ]
    found = extract(question, passages, sentences=sentences)

    by_locator = {passage.locator: passage.text for passage in passages}
    assert all(citation.quote in by_locator[citation.locator] for citation in found)
    assert all(citation.quote.strip() for citation in found)
    assert len(found) <= 2 * sentences
