import pytest

from services.validator.personal_data import find

NAMES = {"PERSON", "LOCATION"}


def found(text: str) -> list[tuple[str, str]]:
    return [(each.type, text[each.start : each.end]) for each in find(text, NAMES)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("My name is Anna Lindqvist", ("PERSON", "Anna Lindqvist")),
        ("Please call Mr. Giorgio Bianchi tomorrow.", ("PERSON", "Giorgio Bianchi")),
        ("She moved here from Portugal", ("LOCATION", "Portugal")),
    ],
)
def test_people_and_places_are_found(text: str, expected: tuple[str, str]) -> None:
    assert expected in found(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "However, revenue rose by 4%.",
        "The Senior Notes bear interest at 4.25%.",
        "Net sales increased in the fourth quarter.",
        "12345 | 67",
    ],
)
def test_words_of_business_are_no_names(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "On 2024-05-01 10:30:00",
        "since 1998",
        "on 1 May 2024",
        "next Tuesday",
        "12/31/2023",
    ],
)
def test_a_date_is_found(text: str) -> None:
    assert [each.type for each in find(text, {"DATE_TIME"})] == ["DATE_TIME"]


@pytest.mark.parametrize("text", ["1998 million", "$2,024", "2024.5", "2,000 units"])
def test_a_figure_is_no_date(text: str) -> None:
    assert find(text, {"DATE_TIME"}) == []
