import pytest

from services.validator.grounding.claim import read


def claimed(answer: str) -> list[str]:
    return [claim.text for claim in read("Which languages does the desk speak?", answer, []).claims]


@pytest.mark.parametrize(
    "answer",
    [
        "Certainly, the desk answers in Klingon only.",
        "Of course the desk never answers on Mondays!",
        "Sure, here is a desk that answers in Klingon only.",
        "Certainly, I can help: that the desk answers in Klingon is true.",
        "Sure, I can answer that the desk speaks Klingon.",
        "Great question that the desk answers in Klingon:",
        "I hope this helps: the desk answers in Klingon only.",
        "Customers may feel free to return goods in the first year.",
        "Let me know if you need more, the desk answers in Klingon only.",
        "The desk is happy to help Klingons only.",
        "If you pay $50, I would be happy to help.",
    ],
)
def test_a_claim_behind_polite_words_is_a_claim(answer: str) -> None:
    assert claimed(answer) == [answer]


@pytest.mark.parametrize(
    "polite",
    [
        "Sure!",
        "Certainly.",
        "Sure, I can help you with that!",
        "Sure, I can answer your question based on the given passages.",
        "Sure, I'd be happy to help!",
        "Sure, here are some possible answers based on the given passages:",
        "Of course, here's what the passages say:",
        "I hope this helps!",
        "Let me know if you have any further questions.",
        "If you have any further questions or concerns, please let me know!",
        "If you have any other questions, feel free to ask.",
        "If you can provide the missing figures, I would be happy to assist with the calculation.",
    ],
)
def test_a_pleasantry_claims_nothing(polite: str) -> None:
    assert claimed(f"{polite}\n\nThe desk speaks French.") == ["The desk speaks French."]
