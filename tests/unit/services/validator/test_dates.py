import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.validator.dates import Date, dates_at

DAYS = st.dates(dt.date(1950, 1, 1), dt.date(2069, 12, 31))
FORMS = [
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%m/%d/%Y",
    "%d/%m/%Y",
    "%d.%m.%Y",
    "%B %d, %Y",
    "%B %-d, %Y",
    "%b %-d, %Y",
    "%b. %-d, %Y",
    "%-d %b %Y",
    "%-d %B, %Y",
    "%-dth of %B %Y",
    "%d-%b-%Y",
    "%B %d,\n%Y",
]


@given(DAYS, st.sampled_from(FORMS), st.sampled_from(["", ".", ", and", ")", " 12%"]))
def test_however_a_day_is_written_it_is_read(day: dt.date, form: str, after: str) -> None:
    (span,) = dates_at(day.strftime(form) + after, 0)
    assert Date(day.year, day.month, day.day) in span.readings


@given(st.integers(1, 4), st.integers(1970, 2069))
def test_however_a_quarter_is_written_it_is_read(quarter: int, year: int) -> None:
    word = ["first", "second", "third", "fourth"][quarter - 1]
    for written in (
        f"Q{quarter} {year}",
        f"Q{quarter}'{year % 100:02}",
        f"Q{quarter} FY{year % 100:02}",
        f"{quarter}Q{year % 100:02}",
        f"{word} quarter of {year}",
        f"{word.title()}-quarter {year}",
        f"{word} fiscal quarter of {year}",
        f"{word} quarter of fiscal year {year}",
    ):
        assert dates_at(written, 0)[0].readings == (Date(year, quarter=quarter),), written


@pytest.mark.parametrize(
    ("written", "dates"),
    [
        ("FY2023", [Date(2023)]),
        ("FY23", [Date(2023)]),
        ("fiscal year 2023", [Date(2023)]),
        ("December 2023", [Date(2023, 12)]),
        ("December 31", [Date(None, 12, 31)]),
        ("H1 2023", [Date(2023, half=1)]),
        ("second half of 2023", [Date(2023, half=2)]),
        ("2021-2023", [Date(2021), Date(2023)]),
        ("2022/23", [Date(2022), Date(2023)]),
        ("2023-06", [Date(2023, 6)]),
        ("May 1, 2023 and 2022", [Date(2023, 5, 1), Date(2022, 5, 1)]),
        ("December 31,\n \n2015\n \n2016", [Date(2015, 12, 31), Date(2016, 12, 31)]),
    ],
)
def test_periods_and_lists_of_dates_are_read(written: str, dates: list[Date]) -> None:
    assert [span.readings[0] for span in dates_at(written, 0)] == dates


@pytest.mark.parametrize("written", ["2023-13-45", "may rise", "May 12%", "Q5 2023", "2,023", "12"])
def test_what_is_no_date_is_not_read_as_one(written: str) -> None:
    assert dates_at(written, 0) == []


def test_a_date_is_within_one_that_says_as_much_or_more() -> None:
    day = Date(2023, 12, 31)
    assert Date(2023).within(day)
    assert Date(2023, 12).within(day)
    assert not day.within(Date(2023))
    assert not Date(2022).within(day)
