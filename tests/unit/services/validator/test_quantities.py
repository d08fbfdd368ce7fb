import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.validator.quantities import NUMBER_START, Amount, number_at

_START = re.compile(NUMBER_START, re.IGNORECASE)

SCALES = {
    Decimal(1): [""],
    Decimal(1_000): [" thousand", "k", " Thousand"],
    Decimal(1_000_000): [" million", "m", " mn", "-million", "M"],
    Decimal(1_000_000_000): [" billion", "bn", "b", "\nbillion"],
    Decimal(1_000_000_000_000): [" trillion", "tn"],
}
MONEY = {
    "USD": [("$", ""), ("US$", ""), ("USD ", ""), ("", " USD"), ("", " dollars")],
    "EUR": [("€", ""), ("€ ", ""), ("EUR", ""), ("", " euros"), ("", " €")],
    "GBP": [("£", ""), ("", " pounds"), ("GBP ", "")],
    "CAD": [("C$", ""), ("CAD ", ""), ("", " Canadian dollars")],
    None: [("", "")],
}


def read(text: str) -> Amount | None:
    found = _START.search(text)
    assert found
    number = number_at(text, found.start())
    assert number
    return number.amount


@given(st.data())
def test_however_an_amount_of_money_is_written_it_is_read_exactly(data: st.DataObject) -> None:
    digits = data.draw(st.decimals(0, 10**9, places=data.draw(st.integers(0, 4)), allow_nan=False))
    scale = data.draw(st.sampled_from(list(SCALES)))
    unit = data.draw(st.sampled_from(list(MONEY)))
    before, after = data.draw(st.sampled_from(MONEY[unit]))
    plain = f"{digits:,f}" if data.draw(st.booleans()) else f"{digits:f}"
    body = f"{before}{plain}{data.draw(st.sampled_from(SCALES[scale]))}{after}"
    sign, frame = data.draw(
        st.sampled_from([(1, "{}"), (-1, "-{}"), (-1, "\u2212{}"), (-1, "({})"), (1, "worth {}.")])
    )
    assert read(frame.format(body)) == Amount(sign * digits * scale, unit)


@given(st.decimals(0, 10**6, places=2, allow_nan=False))
def test_percent_and_basis_points_are_one_unit(share: Decimal) -> None:
    expected = Amount(share, "%")
    for written in (f"{share}%", f"{share} %", f"{share} percent", f"{share:,} percentage points"):
        assert read(written) == expected
    assert read(f"{share * 100} bps") == expected
    assert read(f"{share * 100:,} basis points") == expected
    assert read(f"({share})%") == read(f"({share}%)") == Amount(-share, "%")


@pytest.mark.parametrize(
    ("written", "value", "unit"),
    [
        ("twenty-five million dollars", 25_000_000, "USD"),
        ("Two hundred thousand", 200_000, None),
        ("one percent", 1, "%"),
        ("a 12-month period", 12, "month"),
        ("$(1,234)", -1234, "USD"),
        ("1\u202f234\u202f567", 1_234_567, None),
        ("5x", 5, "times"),
        ("try 5 times", 5, "times"),
        ("3rd", 3, "ordinal"),
        ("the second largest", 2, "ordinal"),
        ("79,268 $ 94,665", 79_268, None),
        ("$.50", Decimal("0.5"), "USD"),
        ("$5-$7", 5, "USD"),
        ("(in 2023)", 2023, None),
        ("Q-12", 12, None),
        ("\n- 5 stores", 5, None),
    ],
)
def test_forms_that_filings_use_are_read(written: str, value: int, unit: str | None) -> None:
    assert read(written) == Amount(Decimal(value), unit)


@pytest.mark.parametrize(
    "written", ["1.2.3", "12,34", "1,23,456", "10:45", "3/4", "1" * 25, "A320", "1e6", "x2y"]
)
def test_what_is_no_plain_number_has_no_amount(written: str) -> None:
    assert read(written) is None


def test_a_number_of_the_next_cell_lends_no_unit() -> None:
    assert read("45\nDays payable") == Amount(Decimal(45))


def test_one_counts_only_with_a_unit() -> None:
    assert number_at("one of them", 0) is None
