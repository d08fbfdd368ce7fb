from collections.abc import Callable
from dataclasses import replace

import pytest

from services.validator.case import Case
from services.validator.checks.figures import check
from shared.events import Passage, Span

MakeCase = Callable[..., Case]

LETTER = """\
In fiscal 2023 net sales rose 12% to $3.2 billion, against $2.85 billion in 2022. Operating
margin widened by 250 basis points. The company employed 12,500 people in three regions at
December 31, 2023. A term loan of €450 million falls due on 30 June 2027. Growth of 2 to 3% is
expected for the third quarter of 2024. The recommended dividend is $0.45 a share, payable
within 30 days. The A320 fleet was unchanged."""

STATEMENT = """\
CONSOLIDATED STATEMENTS OF OPERATIONS
(in millions, except per share data)
Year Ended December 31,
2023 2022
Net sales $ 3,200 $ 2,850
Restructuring charges (120) (95)
Operating income (loss) 310 (45)
Gross margin 45.2 % 44.1 %
Basic earnings per share $ 1.25 $ 1.10
"""

RIGHT_AND_WRONG = [
    # scale
    ("Net sales were $3.2 billion.", "Net sales were $3.2 million."),
    ("Net sales were $3,200 million.", "Net sales were $3,200 billion."),
    ("Net sales were $3.2bn.", "Net sales were $3.2m."),
    ("Net sales were $3,200,000 thousand.", "Net sales were $3,200 thousand."),
    ("Net sales were $3,200,000,000.", "Net sales were $3,200,000."),
    # digits
    ("Net sales were 2.85 billion dollars in 2022.", "Net sales were 2.58 billion dollars."),
    # currency
    ("The loan is €450 million.", "The loan is $450 million."),
    ("The loan is EUR 450m.", "The loan is GBP 450m."),
    ("The loan is 450 million euros.", "The loan is 450 million pounds."),
    # percent and basis points
    ("Sales rose 12 percent.", "Sales rose 12 basis points."),
    ("The margin widened by 2.5 percentage points.", "The margin widened by 250%."),
    ("The margin widened by 250 bps.", "The margin widened by 25 bps."),
    ("Growth is expected at 2-3%.", "Growth is expected at 2-4%."),
    # a bare number is no percentage
    ("12% more was sold.", "12,500% more was sold."),
    # dates
    ("At 2023-12-31 it employed 12,500 people.", "At 2023-12-30 it employed 12,500 people."),
    ("At 31 Dec 2023 it was so.", "At 31 Dec 2022 it was so."),
    ("The loan matures on June 30, 2027.", "The loan matures on July 30, 2027."),
    ("The loan matures in June 2027.", "The loan matures in June 2028."),
    ("In FY2023 sales rose.", "In FY2024 sales fell, FY2025 will be better."),
    ("Growth is expected for Q3 2024.", "Growth is expected for Q4 2024."),
    # counts and units
    ("There are 3 regions.", "There are 4 regions."),
    ("It is paid within 30 days.", "It is paid within 30 months."),
    ("The A320 fleet is unchanged.", "The A321 fleet is unchanged."),
]


@pytest.mark.parametrize(("right", "wrong"), RIGHT_AND_WRONG)
def test_a_right_figure_passes_and_its_wrong_twin_fails(
    make_case: MakeCase, right: str, wrong: str
) -> None:
    assert check(make_case(right, LETTER)).verdict == "passed"
    assert check(make_case(wrong, LETTER)).verdict == "failed"


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("Net sales were $3.2 billion in 2023.", "Net sales were $3,200 in 2023."),
        ("Net sales were $3,200 million.", "Net sales were $3,200 billion."),
        ("Net sales were $3.2 billion.", "Net sales were €3.2 billion."),
        ("Earnings were $1.25 a share.", "Earnings were $1.25 million."),
        (
            "The operating loss was $45 million in 2022.",
            "Operating profit was $45 million in 2022.",
        ),
        ("Operating income was $310 million.", "Operating income was $(310) million."),
        ("Restructuring charges came to $120 million.", "Restructuring gains were $120 million."),
        ("At December 31, 2022 it was so.", "At December 31, 2021 it was so."),
        ("The gross margin was 45.2%.", "The gross margin was $45.2."),
    ],
)
def test_a_table_gives_its_numbers_their_scale_sign_and_year(
    make_case: MakeCase, right: str, wrong: str
) -> None:
    assert check(make_case(right, STATEMENT)).verdict == "passed"
    assert check(make_case(wrong, STATEMENT)).verdict == "failed"


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("The merger brought in four million dollars of savings in 2019.",
         "The merger brought in nine million dollars of savings in 2019."),
        ("Sales came in at $4.5 mn.", "Sales came in at $9.5 mn."),
        ("There are 320 employees.", "There are 320 million employees."),
    ],
)  # fmt: skip
def test_a_scale_in_a_sentence_is_of_its_own_number_alone(
    make_case: MakeCase, right: str, wrong: str
) -> None:
    passage = (
        "The merger brought in four million dollars of savings in 2019. Sales came in at $4.5 mn. "
        "This resulted in nine million\nnew customers. The company has 320 employees."
    )
    assert check(make_case(right, passage)).verdict == "passed"
    assert check(make_case(wrong, passage)).verdict == "failed"


def test_the_reason_names_the_figure_and_what_the_passage_has_instead(make_case: MakeCase) -> None:
    verdict = check(make_case("Net sales rose 12% to $3.2 million.", LETTER))
    assert verdict.reason == "'$3.2 million' is in another scale in the passage ('$3.2 billion')"
    assert verdict.score == 0.5
    assert verdict.spans == (Span(start=22, end=34),)


@pytest.mark.parametrize(
    ("answer", "there"),
    [
        ("Net sales were $3.2 billion in 2023.", "3,200"),
        ("Net sales were $3.2 billion in 2022.", "3,200"),
        ("Operating income was $45 million in 2022.", "(45)"),
    ],
)
def test_a_figure_comes_with_the_cell_that_it_was_compared_with(
    make_case: MakeCase, answer: str, there: str
) -> None:
    compared = check(make_case(answer, STATEMENT, title="Report")).compared
    (cell,) = [each for each in compared if there in each.text]
    assert STATEMENT[cell.start : cell.end] == cell.text
    assert (cell.document_id, cell.locator) == ("report", "p. 1")


def test_brackets_around_an_aside_are_no_minus_sign_and_no_part_of_its_figure(
    make_case: MakeCase,
) -> None:
    passage = "It was 79 F (26 C). Its capital (3.2 million) is small."
    assert check(make_case("Its capital is 3.2 million.", passage)).verdict == "passed"
    assert check(make_case("It was 26 C.", passage)).verdict == "passed"
    assert check(make_case("It was 79 F (27 C).", passage)).reason.startswith("'27' stands in no")


def test_a_figure_of_a_passage_that_is_not_cited_fails(make_case: MakeCase) -> None:
    case = make_case("Net sales were $3.2 billion.", "Sales rose.")
    other = Passage(id="2", document_id="letter", locator="p. 2", text=LETTER)
    assert check(replace(case, passages=(*case.passages, other))).verdict == "failed"


def test_an_answer_without_citations_is_held_against_all_passages(make_case: MakeCase) -> None:
    right, wrong = "Net sales were $3.2 billion.", "Net sales were $3.2 million."
    assert check(make_case(right, LETTER, cited=False)).verdict == "passed"
    assert check(make_case(wrong, LETTER, cited=False)).verdict == "failed"


def test_the_title_of_a_cited_document_may_hold_the_year(make_case: MakeCase) -> None:
    case = make_case("Sales rose in 2023.", "Sales rose.", title="Annual report 2023")
    assert check(case).verdict == "passed"


@pytest.mark.parametrize("figure", ["1.2.3", "12,34", "10:45", "1/3", "1.234.567,89"])
def test_a_figure_that_cannot_be_read_is_for_a_person(make_case: MakeCase, figure: str) -> None:
    verdict = check(make_case(f"It is {figure} today.", LETTER))
    assert verdict.verdict == "could_not_check"
    assert figure in verdict.reason


def test_a_figure_that_cannot_be_read_may_stand_literally(make_case: MakeCase) -> None:
    assert check(make_case("Version 1.2.3 it is.", "Use version 1.2.3.")).verdict == "passed"
    assert check(make_case("Version 1.2.3 it is.", "Version 11.2.3.")).verdict == "could_not_check"


@pytest.mark.parametrize(
    "answer",
    [
        "Sales rose.",
        "1. Sales rose.\n2. Margins widened.",
        "Sales rose [1], margins widened [12].",
        "The 10-K says so.",
        "One of the largest.",
        "Second, sales rose.",
    ],
)
def test_what_counts_points_or_names_forms_is_no_figure(make_case: MakeCase, answer: str) -> None:
    assert check(make_case(answer, "Sales rose.")).reason == "the answer has no figures"


TABLE = """\
| | Fiscal | | |
| --- | --- | --- | --- |
| (in millions) | 2024 | 2023 | 2022 |
| Transportation | $ 5,686 | $ 6,092 | $ 5,228 |
| Sensors | 914 | 918 | 814 |
| Operating income (loss) | 310 | (45) | 120 |
| Gross margin | 38.7% | 40.0% | 39.2% |
"""

CLAIMS = [
    # the right row, period, sign and unit
    ("Transportation was $5,686 million in 2024.", "Transportation was $914 million in 2024."),
    ("Sensors was $918 million in 2023.", "Sensors was $918 million in 2022."),
    ("The operating loss of 2023 was $45 million.", "Operating income of 2023 was $45 million."),
    ("Gross margin was 38.7% in 2024.", "Gross margin was 38.7 basis points in 2024."),
    ("In 2023 and 2024, Sensors was $918 million and $914 million.", "In 2024 Sensors was $918m."),
    # computed
    ("Transportation fell 6.7% from 2023 to 2024.", "Transportation rose 6.7% from 2023 to 2024."),
    ("Transportation fell by $406 million in 2024.", "Transportation fell by $460m in 2024."),
    ("Sensors rose 12.8% from 2022 to 2023.", "Sensors rose 11.3% from 2022 to 2023."),
    ("On average, Sensors was $882m from 2022 to 2024.", "Sensors averaged $914 million."),
    ("Sensors was 16.1% of Transportation in 2024.", "Sensors was 17.1% of Transportation."),
    ("Transportation and Sensors together came to $6,600 million in 2024.",
     "Transportation and Sensors together came to $7,010 million in 2024."),
    ("Gross margin narrowed by 130 basis points in 2024.", "It narrowed by 80 bps in 2024."),
    # worked out in the answer itself
    ("Growth: (918 - 814) / 814 = 12.8%", "Growth: (918 - 814) / 918 = 12.8%"),
]  # fmt: skip


@pytest.mark.parametrize(("right", "wrong"), CLAIMS)
def test_a_figure_counts_for_its_row_and_period_only_or_follows(
    make_case: MakeCase, right: str, wrong: str
) -> None:
    assert check(make_case(right, TABLE)).verdict == "passed"
    assert check(make_case(wrong, TABLE)).verdict == "failed"


def test_a_reviewer_reads_for_which_period_or_row_a_figure_stands_there(
    make_case: MakeCase,
) -> None:
    period = check(make_case("Sensors was $918 million in 2022.", TABLE)).reason
    assert period == "'$918 million' stands in a passage for 2023, not 2022"
    row = check(make_case("Transportation was $914 million in 2024.", TABLE)).reason
    assert "stands in a passage for 'Sensors'; for 'Transportation' it is '$ 5,686'" in row


def test_a_figure_of_the_question_is_not_right_because_it_was_asked(make_case: MakeCase) -> None:
    case = make_case("Yes, it was $7 million.", TABLE, question="Was it $7 million?")
    assert check(case).verdict == "failed"


def test_a_small_count_that_no_passage_makes_is_for_a_person(make_case: MakeCase) -> None:
    assert check(make_case("It has six parts.", "Sales rose.")).verdict == "could_not_check"


MILLIONS = "(in millions)\n| | 2019 | 2018 |\n| Sales | 512 | 480 |"
YEARS = "| | 2019 | 2018 |\n| Sales | 180 | 100 |"
GREW = "What was the increase in sales from 2018 to 2019?"
MEAN = "What were average sales of 2018 and 2019?"


@pytest.mark.parametrize(
    ("question", "passage", "right", "wrong"),
    [
        (
            "What were sales in 2019?",
            MILLIONS,
            "The answer is $512 million.",
            "The answer is $512.",
        ),
        (GREW, MILLIONS, "The increase was $32 million.", "The increase was $32."),
        (GREW, MILLIONS, "The difference is $32 million.", "The decrease was $32 million."),
        (MEAN, YEARS, "The average is 140.", "The sum is 140."),
        (MEAN, YEARS, "The answer is 140.", "The increase is 140."),
        (GREW, YEARS, "The change is 80.", "The average is 80."),
    ],
)
def test_an_answer_that_says_only_what_was_computed_is_held_to_that_and_to_its_scale(
    make_case: MakeCase, question: str, passage: str, right: str, wrong: str
) -> None:
    assert check(make_case(right, passage, question=question)).verdict == "passed"
    assert check(make_case(wrong, passage, question=question)).verdict == "failed"
