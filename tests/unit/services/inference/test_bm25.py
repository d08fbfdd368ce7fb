from hypothesis import given
from hypothesis import strategies as st

from services.inference.bm25 import passage_vector, question_vector


def weights(title: str, text: str) -> dict[int, float]:
    vector = passage_vector(title, text)
    return dict(zip(vector.indices, vector.values, strict=True))


def test_the_same_text_has_the_same_vector_in_every_process() -> None:
    vector = passage_vector("", "loan")

    assert vector.indices == [3_555_889_491]


def test_repetition_counts_less_and_less() -> None:
    filler = " ".join(f"w{n}" for n in range(50))
    (word,) = passage_vector("", "loan").indices
    once, twice, thrice = (weights("", f"{'loan ' * n} {filler}")[word] for n in (1, 2, 3))

    assert once < twice < thrice
    assert twice - once > thrice - twice


def test_a_word_weighs_less_in_a_longer_passage() -> None:
    (word,) = passage_vector("", "loan").indices
    short = weights("", "loan terms")
    long = weights("", "loan " + " ".join(f"w{n}" for n in range(500)))

    assert short[word] > long[word]


def test_a_word_of_the_title_weighs_more_than_one_of_the_text() -> None:
    (loan,) = passage_vector("", "loan").indices
    (branch,) = passage_vector("", "branch").indices
    both = weights("loan", "branch")

    assert both[loan] > both[branch]


def test_a_question_weighs_what_is_asked_above_how_to_answer() -> None:
    vector = question_vector("From the balance sheet, what is the goodwill? Round to millions.")
    found = dict(zip(vector.indices, vector.values, strict=True))
    (goodwill,) = passage_vector("", "goodwill").indices
    (sheet,) = passage_vector("", "sheet").indices

    assert found[goodwill] == 1.0
    assert 0 < found[sheet] < 1.0


def test_a_question_also_searches_for_what_documents_call_it() -> None:
    vector = question_vector("What was capex?")
    (expenditure,) = passage_vector("", "expenditures").indices

    assert expenditure in vector.indices


def test_a_name_is_also_searched_for_as_file_names_have_it() -> None:
    vector = question_vector("What did Northern Light Bank earn?")
    (joined,) = passage_vector("", "northernlight").indices

    assert joined in vector.indices


@given(st.text(), st.text())
def test_any_text_has_a_vector_that_qdrant_takes(title: str, text: str) -> None:
    for vector in (passage_vector(title, text), question_vector(text)):
        assert vector.indices == sorted(set(vector.indices))
        assert all(0 <= index < 2**32 for index in vector.indices)
        assert len(vector.values) == len(vector.indices)
        assert all(value > 0 for value in vector.values)
