import pytest

from services.review.agreement import cohens_kappa


def test_kappa_is_what_the_textbook_says() -> None:
    # 20 and 15 of 50 agreed on, 5 and 10 not: observed 0.7, by chance 0.5
    pairs = [("yes", "yes")] * 20 + [("yes", "no")] * 5 + [("no", "yes")] * 10 + [("no", "no")] * 15
    assert cohens_kappa(pairs) == pytest.approx(0.4)


def test_kappa_of_nothing_is_none_and_of_one_answer_alone_is_full() -> None:
    assert cohens_kappa([]) is None
    assert cohens_kappa([("yes", "yes")] * 3) == 1


def test_agreement_by_chance_is_nought() -> None:
    pairs = [(one, other) for one in ("a", "b") for other in ("a", "b")]
    assert cohens_kappa(pairs) == pytest.approx(0)
