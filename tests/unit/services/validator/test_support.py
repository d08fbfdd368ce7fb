import pytest

from services.validator.support import Source, is_supported

SOURCE = Source(
    "Annual report 2023",
    """\
Net sales of Larkspur Tools rose 12% to $3.2 billion in 2023, driven by strong demand in Europe.
Operating expenses fell by $40 million. The company did not repurchase any shares.

(in millions)
2023 2022
Cash and cash equivalents 410 385
""",
)


@pytest.mark.parametrize(
    "sentence",
    [
        "Operating expenses fell by $40 million.",
        "- Operating expenses fell by $40 million.",
        "rose 12% to $3.2 billion in 2023, driven\nby strong demand",
        "Larkspur Tools' net sales rose 12% to $3,200 million in 2023.",
        "Strong demand in Europe drove net sales.",
        "Cash and cash equivalents were $410 million in 2023.",
        "The company repurchased no shares.",
    ],
)
def test_what_a_passage_says_in_its_own_or_nearly_its_own_words_is_supported(sentence: str) -> None:
    assert is_supported(sentence, SOURCE)


@pytest.mark.parametrize(
    "sentence",
    [
        "Larkspur Tools' net sales rose 12% to $3,200 billion in 2023.",
        "Larkspur Tools' net sales fell 12% to $3.2 billion in 2023.",
        "Larkspur Forge's net sales rose 12% to $3.2 billion in 2023.",
        "Strong demand in Asia drove net sales.",
        "Operating expenses rose by $40 million.",
        "Operating expenses did not fall.",
        "The company repurchased shares.",
        "Cash and cash equivalents were $410 billion in 2023.",
        "Larkspur Tools will acquire a competitor.",
        "Yes.",
    ],
)
def test_what_a_passage_does_not_say_is_not_supported(sentence: str) -> None:
    assert not is_supported(sentence, SOURCE)
