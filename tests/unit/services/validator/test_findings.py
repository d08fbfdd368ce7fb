import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.validator.evidence import read_evidence
from services.validator.findings import Status, examine
from services.validator.labels import Query

PASSAGE = """\
In 2023 net sales rose 12% to $3.2 billion, from $2.85 billion in 2022. Profit was $310 million
(2022: $120 million). The dividend was $0.45, $0.40 and $0.35 per share in 2023, 2022 and 2021,
respectively. A loan of €450 million falls due in 2027. The charge came to $7,187 thousand."""


def status(answer: str, question: str = "") -> list[Status]:
    return [f.status for f in examine(question, answer, (PASSAGE,)) if not f.text.startswith("20")]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("Net sales were $3.2 billion in 2023.", Status.EXACT),
        ("Net sales were $2.85 billion in 2022.", Status.EXACT),
        ("Net sales were $2.85 billion in 2023.", Status.ELSEWHERE_PERIOD),
        ("Profit was $120 million in 2022.", Status.EXACT),
        ("Profit was $120 million in 2023.", Status.ELSEWHERE_PERIOD),
        ("The dividend was $0.40 per share in 2022.", Status.EXACT),
        ("The dividend was $0.40 per share in 2021.", Status.ELSEWHERE_PERIOD),
        ("The charge came to $7.2 million.", Status.EXACT),
        ("The charge came to $7.3 million.", Status.ABSENT),
        ("Net sales fell 12%.", Status.SIGN),
        ("Net sales rose 12 basis points.", Status.SCALE),
        ("The loan is $450 million.", Status.UNIT),
        ("Net sales were $3.2 trillion.", Status.SCALE),
        ("It is 1.2.3 of it.", Status.UNREADABLE),
        ("The share of exports was 3.2%.", Status.ABSENT),  # no slip makes it of $3.2 billion
    ],
)
def test_a_figure_gets_the_status_that_says_what_is_wrong(answer: str, expected: Status) -> None:
    assert status(answer) == [expected]


def test_a_sentence_of_the_passage_with_another_year_or_direction_is_no_paraphrase() -> None:
    sentence = "In 2023 net sales rose 12% to $3.2 billion, from $2.85 billion in 2022."
    assert set(status(sentence)) == {Status.EXACT}
    found = examine("", sentence.replace("2023", "2021"), (PASSAGE,))
    assert Status.ELSEWHERE_PERIOD in {f.status for f in found}
    assert Status.SIGN in status(sentence.replace("rose", "fell"))


def test_a_dollar_sign_stands_for_any_dollar_that_the_passages_name() -> None:
    table = "| | 2019 (S$ million) | 2018 (A$ million) |\n| Cash | 513 | 525 |"
    said = {
        sign: examine("", f"Cash was {sign}513 million in 2019.", (table,))[0].status
        for sign in ("S$", "$", "€")
    }
    assert said == {"S$": Status.EXACT, "$": Status.EXACT, "€": Status.UNIT}


def test_the_change_of_a_row_is_no_rival_of_its_value() -> None:
    table = "| | 2019 | 2018 | Change |\n| Maintenance | 254,924 | 239,310 | 15,614 |"
    answer = "Maintenance grew 6.5% year over year in 2019, from $239,310 in 2018 to $254,924."
    found = examine("What was the change in Maintenance?", answer, (table,))
    assert all(f.status.is_right for f in found), found


def test_what_the_answer_works_out_step_by_step_is_followed() -> None:
    right = (
        "Change: $3.2 billion - $2.85 billion = $0.35 billion\nGrowth = 0.35 / 2.85 * 100 = 12.28%"
    )
    assert set(status(right)) <= {Status.EXACT, Status.DERIVED}
    assert status("Change: $3.2 billion - $2.85 billion = $0.53 billion")[-1] is Status.ABSENT


@given(st.text(max_size=200), st.text(max_size=200), st.text(max_size=200))
def test_no_text_breaks_an_examination(question: str, answer: str, passage: str) -> None:
    found = examine(question, answer, (passage,))
    assert all(answer[f.start : f.end] == f.text for f in found)
    assert all(0 <= f.confidence <= 1 for f in found)


def test_facts_are_met_in_the_order_of_the_passages_whatever_is_asked() -> None:
    evidence = read_evidence(("Sales were $5 in 2019, costs $4.", "Profit and sales fell by 3%."))
    met = [*evidence.about(Query({"profit": 1.0, "sale": 0.5, "cost": 0.2}))]
    assert met == [fact for fact in evidence.all if fact in met]
    assert len(met) > 2


@given(st.permutations(["Sales were $5 in 2019.", "Costs were $4 in 2019.", "Profit fell by 3%."]))
def test_the_order_of_passages_changes_nothing(passages: list[str]) -> None:
    answer = "Sales were $5 and costs $4 in 2019, and profit rose by 3%."
    usual = examine("", answer, tuple(sorted(passages)))
    assert [f.status for f in examine("", answer, tuple(passages))] == [f.status for f in usual]


@pytest.mark.parametrize(
    "piece", ["1 = ", "1 + ", "(1 - ", "in 2019 and ", "5%, ", "rose 5 to ", "1,"]
)
def test_an_examination_takes_time_in_proportion_to_the_answer(piece: str) -> None:
    """A pattern that backtracks would take hours here; linear ones take seconds on a laptop."""
    begin = time.process_time()
    examine("", piece * (2_000 // len(piece)), (PASSAGE,))
    assert time.process_time() - begin < 20


QUARTERS = """\
| | Low | High |
| First Quarter of 2018 | $5.99 | $8.40 |
| Second Quarter of 2018 | $4.79 | $6.48 |"""
APART = """\
| | Gross | Net |
| December 31, 2019 | | |
| Total | 200 | 150 |
| December 31, 2018 | | |
| Total | 160 | 120 |"""
NOTES = "2019\n2018\nNote\n£m\n£m\nDebtors\n4\n415.9\n440.7\nNet assets\n1,220.5\n1,365.4"
FISCAL = """\
| | July 27, 2019 | April 27, 2019 | July 28, 2018 |
| Revenue | 13,428 | 12,958 | 12,844 |"""
STATEMENT = """\
| | 2019 | 2018 |
| Total revenues (1) | 500 | 400 |
| Operating income (loss) | 60 | (20) |
| Net income | 45 | 30 |"""
LEASES = """\
| | 2020 | 2021-2022 | 2023-2024 |
| Operating leases | 4,143 | 7,111 | 3,686 |"""
NESTED = "| | 2019 | 2018 |\n| EBITDA | 400 | 300 |\n| Underlying EBITDA | 500 | 320 |"
BRACKETS = (
    "| | 2019 | 2018 |\n| Carrying amount (non-current (liabilities)/assets) | (494) | 1,663 |"
)
SPOKEN = (
    "the interest of 2019 is 21 ; the interest of 2018 restated is 14 .\n"
    "the  of 2019 is 87 ; the  of 2018 restated is 75 ."
)
BALANCES = (
    "| | 2019 | 2018 |\n| Balance at the beginning of the year | 215 | 160 |\n"
    "| Balance at the end of the year | 258 | 215 |"
)
PARTS = "| | 2019 | 2018 |\n| Art | 166 | 178 |\n| Music | 57 | 44 |\n| Charged | 223 | 222 |"
AGES = "Total Up to one year Later\n(in thousands)\nLeases 98,389 37,427 60,962"
THREE = "| | 2019 | 2018 | 2017 |\n| Shops | 57 | 44 | 20 |"
SEGMENTS = "| | 2019 | 2018 |\n| International | 793 | 843 |\n| Foodservice | 934 | 1,054 |"


@pytest.mark.parametrize(
    ("passage", "question", "right", "wrong"),
    [
        (QUARTERS, "What was the average quarterly low price in 2018?", "5.39", "5.93"),
        (APART, "What was the change in the total gross from 2018 to 2019?", "40", "44"),
        (NOTES, "What was the average of debtors from 2018 to 2019?", "428.3", "222.4"),
        (
            FISCAL,
            "What was the change in revenue between July 27 and April 27 in 2019?",
            "470",
            "584",
        ),
        (STATEMENT, "What was the operating margin in 2019?", "12.0%", "9.0%"),
        (STATEMENT, "What was the change in net margin from 2018 to 2019?", "1.5%", "2.5%"),
        (STATEMENT, "What were the total expenses in 2019?", "440", "455.5"),
        (LEASES, "What is the average annual operating leases for 2020-2024?", "2,988", "4,980.1"),
        (LEASES, "What was the change in operating leases from 2020 to 2021-2022?", "2,968", "457"),
        (NESTED, "What was EBITDA as a percentage of underlying EBITDA in 2019?", "80%", "125%"),
        (NESTED, "What was underlying EBITDA as a percentage of EBITDA in 2019?", "125%", "80%"),
        (BRACKETS, "What was the change in the carrying amount from 2018 to 2019?", "-2,157", "57"),
        (
            SEGMENTS,
            (
                "What is the percentage change in the total of International and Foodservice"
                " from 2018 to 2019?"
            ),
            "-8.96%",
            "-8.69%",
        ),
        (SPOKEN, "What was the change in interest from 2018 to 2019?", "7", "9"),
        (SPOKEN, "What was the average total of 2018 and 2019?", "81", "18"),
        (
            BALANCES,
            (
                "What percentage of the balance at the beginning of the year was the balance at the"
                " end of the year in 2019?"
            ),
            "120%",
            "83.3%",
        ),
        (
            PARTS,
            "What was the sum of art and music in 2019?",
            "Art plus music equals 223.",
            "Art plus music equals 232.",
        ),
        (THREE, "What did shops average between 2017 and 2019?", "40.3", "43.0"),
    ],
    ids=(
        "quarters",
        "dates above rows",
        "a column of notes",
        "days of one year",
        "a margin",
        "the change of a margin",
        "what is left of revenue",
        "a year's share of several",
        "columns of several years",
        "a name within another",
        "a name around another",
        "a name that goes on in brackets",
        "two rows",
        "heads that say more than the year",
        "a spoken row without a name",
        "names that begin alike",
        "a sum that stands under another name",
        "a year between two",
    ),
)
def test_a_figure_is_computed_from_what_its_words_name(
    passage: str, question: str, right: str, wrong: str
) -> None:
    assert [f.status for f in examine(question, right, (passage,))] == [Status.DERIVED]
    assert not any(f.status.is_right for f in examine(question, wrong, (passage,)))


@pytest.mark.parametrize(
    "answer",
    [
        "38.04%",
        "61.96%",  # what is due later
        "62.88%",
        "Leases due up to one year are 61.96% of total leases.",
    ],
)
def test_where_the_heads_of_three_columns_cannot_be_read_none_is_taken_for_another(
    answer: str,
) -> None:
    asked = "What percentage of the leases is due up to one year?"
    assert not examine(asked, answer, (AGES,))[-1].status.is_right


DUE = (
    "| | Total | Up to one year | Later |\n|---|---|---|---|\n"
    "| Leases | 98,389 | 37,427 | 60,962 |\n| Debt | 5,000 | 1,200 | 3,800 |"
)
REGIONS = (
    "| Sales by region | Europe | Asia | America |\n|---|---|---|---|\n"
    "| Sales | 480 | 512 | 600 |\n| Costs | 300 | 200 | 100 |"
)
RELATIVE = "| | Current year | Prior year |\n|---|---|---|\n| Sales | 512 | 480 |"


@pytest.mark.parametrize(
    ("passage", "question", "right", "wrong"),
    [
        (DUE, "What percentage of the leases is due up to one year?", "38.04%", "61.96%"),
        (DUE, "What percentage of the leases is due later?", "61.96%", "38.04%"),
        (
            REGIONS,
            "How much higher were sales in Asia than in Europe?",
            "Sales in Asia were 6.67% higher than in Europe.",
            "Sales in Asia were 25% higher than in Europe.",
        ),
        (
            REGIONS,
            "What is the difference between sales in Asia and Europe?",
            "The difference is 32.",
            "The difference is 88.",
        ),
        (RELATIVE, "By how much did sales grow?", "Sales grew by 6.67%.", "Sales grew by 7.66%."),
    ],
)
def test_one_column_is_compared_with_another_only_where_their_heads_are_meant(
    passage: str, question: str, right: str, wrong: str
) -> None:
    assert examine(question, right, (passage,))[-1].status is Status.DERIVED
    assert not examine(question, wrong, (passage,))[-1].status.is_right


@pytest.mark.parametrize("answer", ["{}", "The answer is {}.", "An increase of {}.", "It was {}."])
def test_an_answer_that_names_nothing_is_asked_about_by_its_question(answer: str) -> None:
    table = "In 2019 the increase was wide.\n| | 2019 | 2018 |\n| Sales | 512 | 480 |"
    question = "What was the increase in sales from 2018 to 2019?"
    found = [examine(question, answer.format(value), (table,))[0].status for value in ("32", "23")]
    assert found == [Status.DERIVED, Status.ABSENT]


@pytest.mark.parametrize(
    ("question", "answer", "expected"),
    [
        ("What was revenue from services?", "Services revenue was $340 million.", Status.EXACT),
        ("", "Services revenue was $120 million.", Status.ELSEWHERE_ROW),
        ("What was services revenue?", "$120 million", Status.ELSEWHERE_ROW),
        ("", "Total revenue was $460 million.", Status.EXACT),
    ],
)
def test_a_figure_of_another_column_than_the_one_that_is_named_is_wrong(
    question: str, answer: str, expected: Status
) -> None:
    table = "(in millions) | Products | Services | Total\nRevenue | $120 | $340 | $460"
    assert [f.status for f in examine(question, answer, (table,))] == [expected]


@pytest.mark.parametrize(
    ("question", "answer", "expected"),
    [
        ("What was the increase in net income?", "The answer is $512 million.", False),
        ("What was the increase in net income?", "The answer is $32 million.", True),
        ("By how much did net income grow?", "$512 million", False),
        ("What was the increase in inventories in 2019?", "$44 million", True),
        ("What was net income in 2019?", "$512 million", True),
        ("What were total assets in 2019?", "Total assets were $556 million.", False),
        ("What were net income and the increase in inventories together?", "$556 million", True),
    ],
)
def test_a_row_itself_is_no_change_of_it_and_a_rows_name_asks_for_no_computation(
    question: str, answer: str, *, expected: bool
) -> None:
    table = (
        "(in millions) | 2019 | 2018\nNet income | $512 | $480\nIncrease in inventories | $44 | $20"
        "\nTotal assets | $900 | $800\nOther assets | $556 | $10"
    )
    assert all(f.status.is_right for f in examine(question, answer, (table,))) is expected


COLUMNS = "(in millions) | Products | Services | Total\nRevenue | $120 | $340 | $460"
YEARS = "(in millions) | 2019 | 2018\nNet income | $512 | $480\nNet sales | $900 | $800"


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("", "Revenue was $460 million, of which $120 million came from products."),
        ("", "Revenue was $460 million, driven by services."),
        ("What was revenue across products and services?", "$460 million"),
    ],
)
def test_the_total_of_a_row_may_stand_beside_the_name_of_one_of_its_columns(
    question: str, answer: str
) -> None:
    assert {f.status for f in examine(question, answer, (COLUMNS,))} == {Status.EXACT}


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("What were net sales in 2019 following the rise in demand?", "$900 million"),
        ("What did net sales rise to in 2019?", "$900 million"),
    ],
)
def test_a_question_that_only_mentions_a_rise_asks_for_the_level(
    question: str, answer: str
) -> None:
    assert {f.status for f in examine(question, answer, (YEARS,))} == {Status.EXACT}


@pytest.mark.parametrize(
    "answer",
    [
        "Net income grew by $512 million in 2019.",
        "The change in net sales was $900 million.",
        "The sum of net income and net sales was $900 million in 2019.",
    ],
)
def test_a_level_is_no_change_or_sum_though_its_row_is_called_net(answer: str) -> None:
    wrong = [f.status for f in examine("", answer, (YEARS,)) if not f.status.is_right]
    assert wrong == [Status.ELSEWHERE_ROW]


def test_a_measure_is_computed_though_its_value_stands_in_another_row() -> None:
    table = (
        "(in millions) | 2019 | 2018\nRevenue | 900 | 850\nCost of sales | 700 | 640"
        "\nSelling expenses | 150 | 200"
    )
    [found] = [
        f
        for f in examine("", "Gross profit in 2019 was $200 million.", (table,))
        if f.fact is None and f.text.startswith("$")
    ]
    assert found.status is Status.DERIVED


def test_a_quotation_in_prose_states_no_scale() -> None:
    passage = 'A breach costs "millions of dollars" on average. The licence costs $20 a month.'
    [found] = examine("", "The licence costs $20 million a month.", (passage,))
    assert not found.status.is_right
