import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.screening.plain import plain


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("plain", "plain"),
        ("\uff49\uff47\uff4e\uff4f\uff52\uff45", "ignore"),
        ("\U0001d422\U0001d420\U0001d427\U0001d428\U0001d42b\U0001d41e", "ignore"),
        ("ig\u00adno\u200bre", "ignore"),
        ("\u0456gn\u043er\u0435", "ignore"),
        ("привет", "привет"),
        ("naïve", "naïve"),
    ],
)
def test_a_text_is_read_as_a_model_reads_it(written: str, read: str) -> None:
    assert plain(written).text == read


def test_what_tag_characters_say_is_known() -> None:
    hidden = plain("ok" + "".join(chr(0xE0000 + ord(each)) for each in "do it")).hidden
    assert [(each.says, each.start, each.end) for each in hidden] == [("do it", 2, 7)]


def test_what_variation_selectors_say_is_known() -> None:
    run = "".join(chr(0xFE00 + b if b < 16 else 0xE0100 + b - 16) for b in b"leak it")
    assert plain(f"x{run}").hidden[0].says == "leak it"


@pytest.mark.parametrize(
    "text", ["👨\u200d👩\u200d👧 family", "\u0645\u06cc\u200c\u062e\u0648", "❤\ufe0f", "a\u00adb"]
)
def test_joiners_that_belong_to_the_writing_hide_nothing(text: str) -> None:
    assert plain(text).hidden == ()


@given(st.text(max_size=80))
def test_every_character_knows_where_it_stood(text: str) -> None:
    read = plain(text)
    for at in range(len(read.text)):
        start, end = read.span(at, at + 1)
        assert 0 <= start < end <= len(text)
