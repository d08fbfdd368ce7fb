import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.inference.tokens import tokens


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("3,200", "3200"),
        ("$3,200.50", "3200.50"),
        ("Policies", "policy"),
        ("APPROVED", "approves"),
        ("ﬁnance", "finance"),
        ("the loan", "loan"),
        ("R&D", "r&d"),
    ],
)
def test_different_spellings_of_one_thing_are_the_same_words(one: str, other: str) -> None:
    assert sorted(tokens(one)) == sorted(tokens(other))


def test_a_fiscal_year_is_found_by_its_year() -> None:
    assert "2019" in tokens("FY2019")
    assert "2019" in tokens("FY19")


def test_a_number_with_decimals_stays_whole_and_a_date_does_not_become_a_number() -> None:
    assert tokens("14.8% at 31 December 2024.") == ["14.8", "31", "decemb", "2024"]


def test_numbers_side_by_side_are_not_joined() -> None:
    assert tokens("1,186 4,210") == ["1186", "4210"]
    assert tokens("items 1,2,3") == ["item", "1", "2", "3"]


def test_words_come_in_their_order() -> None:
    assert tokens("Net interest income rose") == ["net", "interest", "incom", "rose"]


@given(st.text())
def test_any_text_has_words_without_capitals_or_blanks(text: str) -> None:
    for token in tokens(text):
        assert token
        assert not token.isspace()
        assert tokens(token.upper()) is not None
