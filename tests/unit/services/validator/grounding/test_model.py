"""Properties of the shipped model that users rely on."""

import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.validator.grounding.claim import Kind
from services.validator.grounding.model import assess, shipped

QUESTION = "How did Larkspur Tools do in 2023?"
PASSAGES = [
    (
        "Net sales of Larkspur Tools rose 12% to $3.2 billion in 2023, driven by demand in Europe. "
        "Operating expenses fell by $40 million. The company did not repurchase any shares."
    ),
    "Pinewood Forge closed its plant in Denver in 2022 and moved the work to Austin.",
    "The board proposes a dividend of $0.45 a share, payable in May to holders of record.",
]
RIGHT = [
    "Net sales of Larkspur Tools rose 12% to $3.2 billion in 2023.",
    "Operating expenses fell by $40 million.",
    "The company did not repurchase any shares in 2023.",
    "The board proposes a dividend of $0.45 a share.",
]
UNSUPPORTED = [
    "Bees make honey all summer long in the meadows of Bavaria.",
    "The chief executive will step down next year after an investigation.",
    "Analysts expect margins of 41.7% by 2031.",
    "Larkspur Tools also acquired a brewery in Belgium for $77 million.",
]
NOISE = 0.02


def probability(answer: str, passages: list[str] | None = None, question: str = QUESTION) -> float:
    return assess(question, answer, passages or PASSAGES).probability


@pytest.mark.parametrize("unsupported", UNSUPPORTED)
@pytest.mark.parametrize("count", [1, 2, 4])
@pytest.mark.parametrize("question", [QUESTION, ""])
def test_one_more_unsupported_sentence_never_raises_the_probability(
    unsupported: str, count: int, question: str
) -> None:
    answer = " ".join(RIGHT[:count])
    before = probability(answer, question=question)
    assert probability(f"{answer} {unsupported}", question=question) <= before + NOISE
    assert probability(f"{unsupported} {answer}", question=question) <= before + NOISE


@pytest.mark.parametrize("unsupported", [*UNSUPPORTED, "Never.", "Bananas are blue."])
@pytest.mark.parametrize(
    "beginning",
    ["$3.2 billion.", "12%", "It was $77 million.", "In May.", "", "No.", "I hope this helps!"],
)
@pytest.mark.parametrize("question", [QUESTION, "", "How much did net sales rise?"])
def test_an_unsupported_sentence_makes_no_bare_answer_surer(
    unsupported: str, beginning: str, question: str
) -> None:
    before = probability(beginning, question=question)
    assert probability(f"{beginning}\n\n{unsupported}", question=question) <= before + NOISE
    assert probability(f"{unsupported}\n\n{beginning}", question=question) <= before + NOISE


def test_a_supported_sentence_may_make_a_bare_figure_surer() -> None:
    assert probability(f"$3.2 billion.\n\n{RIGHT[0]}") > probability("$3.2 billion.")


@given(st.permutations(PASSAGES), st.sampled_from([*RIGHT, *UNSUPPORTED]))
@settings(deadline=None, max_examples=30)
def test_the_order_of_the_passages_does_not_matter(passages: list[str], answer: str) -> None:
    assert probability(answer, passages) == probability(answer)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("Net sales rose to $3.2 billion in 2023.", "Net sales rose to $3.2 million in 2023."),
        ("Net sales rose to $3.2 billion in 2023.", "Net sales rose to $3.2 billion in 2022."),
        ("Net sales rose to $3.2 billion in 2023.", "Net sales rose to €3.2 billion in 2023."),
        ("Net sales rose 12% in 2023.", "Net sales rose 12 basis points in 2023."),
        ("Net sales rose 12% in 2023.", "Net sales rose 21% in 2023."),
        ("Operating expenses fell by $40 million.", "Operating expenses rose by $40 million."),
        (
            "Pinewood Forge closed its plant in Denver.",
            "Larkspur Tools closed its plant in Denver.",
        ),
        (
            "Pinewood Forge closed its plant in Denver.",
            "Pinewood Forge closed its plant in Austin.",
        ),
        (
            "The company did not repurchase any shares.",
            "The company repurchased all its shares.",
        ),
        ("The board proposes a dividend.", "The board rejects a dividend."),
        (RIGHT[1], UNSUPPORTED[0]),
    ],
)
def test_the_right_sentence_ranks_above_its_twin(right: str, wrong: str) -> None:
    assert probability(right) > probability(wrong)


@pytest.mark.parametrize(
    "wrong",
    [
        "Net sales of Larkspur Tools rose 21% to $3.2 billion in 2023, driven by demand in Europe.",
        "Net sales of Larkspur Tools rose 12% to $3.2 million in 2023, driven by demand in Europe.",
        "Net sales of Quillfeather rose 12% to $3.2 billion in 2023, driven by demand in Europe.",
    ],
)
def test_a_copied_sentence_with_one_wrong_figure_or_name_is_far_less_sure(wrong: str) -> None:
    copied = PASSAGES[0].split(" Operating")[0]
    assert probability(copied) > 0.95
    assert probability(wrong) < 0.88


@pytest.mark.parametrize("fabricated", ["Lyon.", "An illegal scheme.", "Bananas are blue."])
def test_what_is_all_made_up_is_not_sure_however_short(fabricated: str) -> None:
    assert probability(fabricated) < 0.85
    assert assess(QUESTION, fabricated, []).probability < 0.85
    assert assess(QUESTION, RIGHT[0], []).probability < 0.85


def test_what_is_flagged_is_under_what_the_kind_of_answer_has() -> None:
    for answer in (*RIGHT, *UNSUPPORTED):
        found = assess(QUESTION, answer, PASSAGES)
        assert found.is_flagged == (found.probability < shipped().judges[found.kind].flag)
    assert assess(QUESTION, UNSUPPORTED[3], PASSAGES).is_flagged
    assert not assess(QUESTION, RIGHT[0], PASSAGES).is_flagged


@pytest.mark.parametrize(
    ("question", "answer", "kind"),
    [
        (QUESTION, RIGHT[0], Kind.PROSE),
        ("", RIGHT[0], Kind.SUMMARY),
        ("Please summarise the text.", RIGHT[0], Kind.SUMMARY),
        ("What was the growth of net sales?", "12%", Kind.FIGURE),
        (
            "What was the net margin in 2023?",
            "Net income divided by net sales gives the margin: 0.4 / 3.2 = 12.5%",
            Kind.WORKED,
        ),
        (QUESTION, "I cannot determine this from the passages.", Kind.REFUSAL),
    ],
)
def test_what_sort_of_answer_it_is(question: str, answer: str, kind: Kind) -> None:
    assert assess(question, answer, PASSAGES).kind is kind


@pytest.mark.parametrize(
    "answer", ["", " ", "…", "\u200b", "\x00", "é" * 5_000, "1" * 5_000, "((" * 3_000]
)
@pytest.mark.parametrize("passages", [[], [""], ["\ud7ff \U0001f600 ½ ﬁ"], PASSAGES])
def test_strange_input_has_a_probability_too(answer: str, passages: list[str]) -> None:
    assert 0 <= assess("?", answer, passages).probability <= 1


@given(st.text(max_size=300), st.text(max_size=300), st.text(max_size=300))
@settings(deadline=None, max_examples=60)
def test_any_text_has_a_probability(question: str, answer: str, passage: str) -> None:
    assert 0 <= assess(question, answer, [passage]).probability <= 1


@pytest.mark.parametrize(
    "piece",
    [
        "a",
        "1",
        " ",
        "\n",
        "(",
        "=",
        "1+",
        "1,",
        "[1] ",
        "passage 1, ",
        "not ",
        "A. ",
        "$1 million ",
        "-",
        "x = ",
    ],
)
def test_no_text_takes_more_than_its_share_of_time(piece: str) -> None:
    text = piece * (6_000 // len(piece))
    begin = time.process_time()
    assess(text[:500], text, [text])
    assert time.process_time() - begin < 5  # quadratic patterns take minutes


def test_long_passages_take_time_in_proportion() -> None:
    rng = random.Random(1)
    words = " ".join(PASSAGES).split()
    passage = ". ".join(" ".join(rng.choices(words, k=12)) for _ in range(1_000))
    begin = time.process_time()
    assess(QUESTION, " ".join(RIGHT), [passage])
    assert time.process_time() - begin < 5


def test_the_coefficients_say_where_they_come_from() -> None:
    sets = shipped().provenance["sets"]
    assert {each["license"] for each in sets.values()} <= {"MIT", "Apache-2.0"}
    assert all(len(each["sha256"]) == 64 and each["rows"] > 0 for each in sets.values())


def test_of_two_answers_in_doubt_the_one_that_the_passages_come_nearer_to_is_likelier() -> None:
    table = "| | 2019 | 2018 |\n| Cash | 513 | 525 |\n| Debt | 88 | 91 |"
    own, other, absent = (
        assess("What was cash in 2017?", f"Cash was {figure} in 2017.", [table]).probability
        for figure in ("513", "88", "777")
    )
    assert own > other
    assert own > absent
