import json
import time
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.validator.dates import Date
from services.validator.evidence import read_evidence
from services.validator.facts import Fact

ROWS = [
    ["", "Year ended December 31,", ""],
    ["(in millions)", "2023", "2022"],
    ["Net sales", "$ 3,200", "$ 2,850"],
    ["Operating income (loss)", "(45)", "310"],
    ["Gross margin", "45.2%", "44.1%"],
]
LAYOUTS = {
    "markdown": "\n".join(
        ["| " + " | ".join(ROWS[0]) + " |", "| --- | --- | --- |"]
        + ["| " + " | ".join(row) + " |" for row in ROWS[1:]]
    ),
    "pipes": "\n".join(" | ".join(row) for row in ROWS),
    "tabs": "\n".join("\t".join(row) for row in ROWS),
    "json": json.dumps(ROWS),
    "python": str(ROWS),
    "semicolons": "\n".join(" ; ".join(row) for row in ROWS),
    "quoted commas": "\n".join(",".join(f'"{cell}"' for cell in row) for row in ROWS),
    "commas": "\r\n".join(
        ",".join(f'"{cell}"' if "," in cell else cell for cell in row) for row in ROWS
    ),
    "html": "<table>"
    + "".join(
        "<tr>" + "".join(f'<td class="n">{cell}</td>' for cell in row) + "</tr>\n" for row in ROWS
    )
    + "</table>",
    "leaders": "\n".join(
        " ".join(["(in millions) 2023 2022"] if "2023" in row else [row[0], ". . . . .", *row[1:]])
        for row in ROWS[1:]
    ),
    "spaces": "\n".join(" ".join(cell for cell in row if cell) for row in ROWS),
    "a value a line": "\n".join(cell for row in ROWS for cell in row if cell).replace("$ ", "$\n"),
    "sentences": (
        "in millions the net sales of 2023 is $ 3,200 ; the net sales of 2022 is $ 2,850 .\n"
        "in millions the operating income ( loss ) of 2023 is (45) ; "
        "the operating income ( loss ) of 2022 is 310 .\n"
        "the gross margin of 2023 is 45.2% ; the gross margin of 2022 is 44.1% ."
    ),
}


def fact(passage: str, value: str) -> Fact:
    return read_evidence((passage,)).by_value[Decimal(value)][0]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_cell_has_its_row_year_scale_sign_and_unit_in_any_layout(layout: str) -> None:
    sales = fact(LAYOUTS[layout], "2850000000")
    assert {date.year for date in sales.periods} == {2022}
    assert {"net", "sale"} <= sales.words
    loss = fact(LAYOUTS[layout], "45000000")
    assert {date.year for date in loss.periods} == {2023}
    assert all(amount.value < 0 for amount in loss.amounts)
    margin = fact(LAYOUTS[layout], "44.1")
    assert [amount.unit for amount in margin.amounts] == ["%"]


@pytest.mark.parametrize(
    ("passage", "value", "period"),
    [
        ("| | Q1 2023 | Q1 2022 |\n| Sales | 51 | 48 |", "48", Date(2022, quarter=1)),
        ("| | 2019 €m | 2018 €m |\n| Sales | 51 | 48 |", "48000000", Date(2018)),
        ("| | 2019 (1) | 2018 (1) |\n| Sales | 51 | 48 |", "48", Date(2018)),
        ("At May 31, 2019\nAt May 31, 2018\nCash\n51\n48", "48", Date(2018, 5, 31)),
        ("2019 2018 Change (%)\nSales 51 48 6.3%", "48", Date(2018)),
        ("2019\n2018\nCash (2)\n51\n48", "48", Date(2018)),
        ("| | 2 0 1 9 | 2 0 1 8 |\n| Sales | 51 | 48 |", "48", Date(2018)),
        (
            "| | Net |\n| May 31, 2019 | |\n| Sales | 50 |\n| May 31, 2018 | |\n| Sales | 47 |",
            "47",
            Date(2018, 5, 31),
        ),
        ("| | 12/31/2019 | 12/31/2018 |\n| Sales | 51 | 48 |", "48", Date(2018, 12, 31)),
        ("| | 31-Dec-19 | 31-Dec-18 |\n| Sales | 51 | 48 |", "48", Date(2018, 12, 31)),
        ("| | 2019A | 2018A |\n| Sales | 51 | 48 |", "48", Date(2018)),
        ("FY 2019 FY 2018\nSales 51 48", "48", Date(2018)),
        ("Dec. 31, 2019 Dec. 31, 2018\nSales US$51 US$48", "48", Date(2018, 12, 31)),
        ("(in euros) 2019 Actual 2018\nSales 51 6% 48", "48", Date(2018)),
        ("2019 2018\nSales 51 9% 48 8%", "48", Date(2018)),
        ("2019 2018\nDebt at cost, at value 51 52 48 49", "49", Date(2018)),
        (
            "| Sales | 2019 | 2018 |\n| A | 51 | 48 |\n| Growth | 2018 | 2017 |\n| A | 7 | 6 |",
            "6",
            Date(2017),
        ),
        (
            "| | High | Low |\n| 2018: | | |\n| First Quarter | 51 | 48 |",
            "48",
            Date(2018, quarter=1),
        ),
        ("| Sales fiscal year 2018 | 48 |\n| Sales fiscal year 2019 | 51 |", "48", Date(2018)),
        ("2019\n2018\nOther\n-\n-\nSales\n51\n48", "48", Date(2018)),
        ("2019 2018\nSales for the year 51 -", "51", Date(2019)),
        ("2019 % Change 2018 to 2019 2018\nSales 51 6% 48", "48", Date(2018)),
        (
            "(in euros) 2019 2018 2017 Change 2019 vs 2018 Change 2018 vs 2017\nSales 5 4 3 9% 8%",
            "3",
            Date(2017),
        ),
    ],
)
def test_a_column_or_row_gives_its_period(passage: str, value: str, period: Date) -> None:
    assert fact(passage, value).periods == {period}


def test_the_border_of_a_table_is_no_column() -> None:
    table = "|  |  | 2019 | 2018 |\n|  | Notes | $m | $m |\n| Debtors | 17 | 51 | 48 |"
    assert [found.written for found in read_evidence((table,)).all if found.amounts] == ["51", "48"]


def test_the_columns_of_a_table_keep_their_names_below_a_date() -> None:
    table = "| | Gross | Net |\n| May 31, 2019 | | |\n| Sales | 51 | 50 |\n| May 31, 2018 | | |"
    assert {"sale", "gross"} == fact(f"{table}\n| Sales | 48 | 47 |", "48").words


def test_a_footnote_is_no_part_of_a_rows_name_in_a_sentence() -> None:
    text = (
        "the operating income of 2019 is $ 13,535 ; the operating income of 2018 (4) is $ 13,264 ."
    )
    assert fact(text, "13535").words == fact(text, "13264").words


def test_a_passage_that_is_given_twice_counts_once() -> None:
    once, twice = (read_evidence((LAYOUTS["spaces"],) * n) for n in (1, 2))
    assert once.all == twice.all


def test_a_scale_may_stand_below_the_table_or_in_another_passage() -> None:
    table = "| | 2019 |\n| Sales | 51 |"
    for passages in ((f"{table}\nAmounts in thousands.",), (table, "Amounts in thousands.")):
        assert Decimal(51_000) in read_evidence(passages).by_value


@given(st.text(max_size=300))
def test_no_text_breaks_the_reading_of_tables(text: str) -> None:
    facts = read_evidence((text, f"|{text}|\n|1|2|", f"[[{text}")).all
    assert all(fact.amounts or fact.periods or fact.written for fact in facts)


PIECES = [
    "|",
    "| 1 ",
    "[[",
    "[['1',",
    "1 ",
    "2019\n",
    "a 1\n",
    "\t",
    " ; ",
    '"1",',
    "the a of b is ",
    "$\n",
]


@pytest.mark.parametrize("piece", PIECES)
def test_reading_a_table_takes_time_in_proportion_to_the_text(piece: str) -> None:
    """A pattern that backtracks would take hours here; linear ones take seconds on a laptop."""
    begin = time.process_time()
    read_evidence((piece * (8_000 // len(piece)),))
    assert time.process_time() - begin < 20


def values_of(passage: str, label: str) -> dict[str, list[int | None]]:
    """Return the values of a row, each with the years that it is for."""
    return {
        fact.written: [date.year for date in fact.periods]
        for fact in read_evidence((passage,)).all
        if fact.label == label
    }


@pytest.mark.parametrize("glue", [" ", "\n"], ids=["one line", "line by line"])
def test_a_row_of_small_negative_values_is_neither_a_head_nor_footnotes(glue: str) -> None:
    rows = [["2019", "2018"], ["Start-up costs", "(38)", "(1)"], ["Other income", "3", "22"]]
    passage = "\n".join(glue.join(row) for row in rows)
    assert values_of(passage, "Start-up costs") == {"(38)": [2019], "(1)": [2018]}
    assert values_of(passage, "Other income") == {"3": [2019], "22": [2018]}


@pytest.mark.parametrize("glue", [" ", "\n"], ids=["one line", "line by line"])
def test_changes_that_stand_between_the_years_are_of_no_year(glue: str) -> None:
    heads = ["2019", "Change increase (decrease)", "2018"]
    passage = "\n".join(
        [glue.join(heads), glue.join(["Revenue", "284,936", "(31,321)", "316,257"])]
    )
    years = {"284,936": [2019], "(31,321)": [], "316,257": [2018]}
    assert values_of(passage, "Revenue") == years


def test_a_head_of_changes_before_the_first_year_takes_no_column() -> None:
    passage = (
        "Year ended June 30, Period-to-period change\n% Change 2018 2017 Amount % Change\n"
        "Fee income $1,240 $480 $760 158%\nFee expense (572) (241) (331) 137%"
    )
    assert values_of(passage, "Fee income")["$1,240"] == [2018]
    assert values_of(passage, "Fee income")["$480"] == [2017]
