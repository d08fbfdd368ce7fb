import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stdnum import luhn

from services.validator.checks.personal_data import DECIDING
from services.validator.personal_data import find


def found(text: str) -> list[tuple[str, str]]:
    return [(data.type, text[data.start : data.end]) for data in find(text, DECIDING)]


@pytest.mark.parametrize(
    ("kind", "written"),
    [
        ("EMAIL_ADDRESS", "jane.doe@example.com"),
        ("EMAIL_ADDRESS", "J.O'Neil+x@sub.example.co.uk"),
        ("PHONE_NUMBER", "+44 20 7946 0958"),
        ("PHONE_NUMBER", "(650) 253-0000"),
        ("PHONE_NUMBER", "202-555-0143"),
        ("CREDIT_CARD", "4111 1111 1111 1111"),
        ("CREDIT_CARD", "378282246310005"),
        ("CREDIT_CARD", "4111.1111.1111.1111"),
        ("CREDIT_CARD", "3782.822463.10005"),
        ("IBAN_CODE", "DE89 3704 0044 0532 0130 00"),
        ("IBAN_CODE", "GB82WEST12345698765432"),
        ("US_SSN", "536-90-4399"),
    ],
)
def test_personal_data_is_found_where_it_stands(kind: str, written: str) -> None:
    assert found(f"Please note {written} today.") == [(kind, written)]
    assert found(f"({written}), he said") == [(kind, written)]


@pytest.mark.parametrize(
    "written",
    [
        "4111 1111 1111 1112",
        "0000 0000 0000 0000",
        "DE89370400440532013001",
        "666-12-3456",
        "000-12-3456",
        "912-12-3456",
        "123-00-4567",
        "123-45-0000",
        "jane@localhost",
        "1,234,567,890",
        "12,345,678 90,123",
        "2021 2022 2023",
        "12/31/2023",
        "107,006 135,987",
        "A-1234567890",
    ],
)
def test_numbers_that_fail_their_check_or_look_like_others_are_left_alone(written: str) -> None:
    assert found(f"Please note {written} today.") == []


@pytest.mark.parametrize(
    ("kind", "before", "written"),
    [
        ("PHONE_NUMBER", "tel ", "030 123456"),
        ("PHONE_NUMBER", "Tel.: ", "030/123456"),
        ("PHONE_NUMBER", "phone ", "2125551234"),
        ("PHONE_NUMBER", "Phone number: ", "2125551234"),
        ("PHONE_NUMBER", "fax no. ", "(030) 123456"),
        ("PHONE_NUMBER", "Mobile: ", "07700900123"),
        ("PHONE_NUMBER", "Telefon ", "+49 30 123456"),
        ("PHONE_NUMBER", "phone: ", "(650) 253-0000"),
        ("US_SSN", "SSN ", "078051120"),
        ("US_SSN", "ssn: ", "536904399"),
        ("US_SSN", "social security number is ", "536 90 4399"),
        ("US_SSN", "SSN ", "536-90-4399"),
    ],
)
def test_a_number_that_is_called_what_it_is_is_found_once(
    kind: str, before: str, written: str
) -> None:
    assert found(f"Please note {before}{written} today.") == [(kind, written)]
    assert found(f"{before}{written}.") == [(kind, written)]


@pytest.mark.parametrize(
    "written",
    [
        "2125551234",
        "078051120",
        "030 123456",
        "revenue of 2125551234 dollars",
        "Telephone 2,125,551,234",
        "Telephone expenses 2125551234",
        "Telephone 1234567 1234568",
        "Telephone and data 0304123",
        "mobile 0.1234567",
        "fax 01.02.2023",
        "phone 01/02/2023",
        "hotel 030 123456",
        "microphone 2125551234",
        "mobile subscribers 2125551234",
        "social security 250000000",
        "social security number 250000000.50",
        "2.718281828459045",
        "4.111.111.111.111",
        "4111.1111.1111.1112",
    ],
)
def test_a_figure_that_nothing_calls_a_number_of_a_person_is_left_alone(written: str) -> None:
    assert found(f"Please note {written} today.") == []


@settings(max_examples=200)
@given(st.integers(10**6, 10**14), st.sampled_from(["", ".5", " million", "%", " euros"]))
def test_no_bare_figure_is_a_phone_number(figure: int, unit: str) -> None:
    kinds = [kind for kind, _ in found(f"Revenue was {figure}{unit} in 2024.")]
    assert "PHONE_NUMBER" not in kinds
    assert "US_SSN" not in kinds


@settings(max_examples=25)
@given(st.from_regex(r"\A[45][0-9]{14}\Z"), st.sampled_from(["", " ", "-"]))
def test_a_card_number_is_found_and_none_with_another_check_digit(
    digits: str, separator: str
) -> None:
    check = luhn.calc_check_digit(digits)
    for last in "0123456789":
        number = digits + last
        written = separator.join(number[i : i + 4] for i in range(0, 16, 4))
        kinds = [kind for kind, _ in found(f"card {written} it is")]
        assert ("CREDIT_CARD" in kinds) == (last == check)


@pytest.mark.parametrize(
    "piece",
    [
        "1 ",
        "+1",
        "a@",
        "a.",
        "a@a.",
        "4 ",
        "DE89",
        "DE89 ",
        "1-",
        "(1",
        "202-555-0143 ",
        "tel ",
        "tel 0",
        "tel 030 123456 ",
        "SSN 1",
        "4111.",
    ],
)
def test_searching_takes_time_in_proportion_to_the_text(piece: str) -> None:
    text = piece * (20_000 // len(piece))
    begin = time.process_time()
    find(text)
    assert time.process_time() - begin < 10
