import time

import pytest

from services.validator.secrets import find

KEY = "AKIA" + "IOSFODNN7" + "EXAMPLE"
GITHUB = "ghp_" + "a1B2" * 9
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.c2lnbmF0dXJlMTIzNDU2"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (f"use {KEY} for it", KEY),
        (f"token {GITHUB}.", GITHUB),
        (f"Bearer {JWT}", "eyJhbGciOiJIUzI1NiJ9"),
        ("postgres://app:hunter2@db.internal:5432/x", "hunter2"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIE", "BEGIN RSA PRIVATE KEY"),
        ('password = "Tr0ub4dor&3"', "Tr0ub4dor&3"),
        ("the API key is 9f8b7c6d5e4f3a2b", "9f8b7c6d5e4f3a2b"),
    ],
)
def test_a_secret_is_found_where_it_stands(text: str, value: str) -> None:
    found = find(text)
    assert any(
        value in text[each.start : each.end] or text[each.start : each.end] in value
        for each in found
    )


@pytest.mark.parametrize(
    "text",
    [
        "Revenue was 1,204 million.",
        "The key to growth is patience; the password is changed monthly.",
        "See https://example.com/investors/2023-annual-report.pdf",
        "Invoice in_0KVnBvo2ZNzxqgUA4dPhPB3i was paid.",
        "key: performance indicators",
        "secret: well kept",
        "",
    ],
)
def test_ordinary_text_has_no_secret(text: str) -> None:
    assert find(text) == []


@pytest.mark.parametrize("piece", ["password=", "a://b:", "eyJ", "AKIA", "key is ", "-----BEGIN "])
def test_searching_takes_time_in_proportion_to_the_text(piece: str) -> None:
    begin = time.process_time()
    find(piece * (20_000 // len(piece)))
    assert time.process_time() - begin < 5
