import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.inference.models.claims import Reading, read
from services.inference.models.errors import UnusableError
from shared.events import Passage

FEE = "The late payment fee is EUR 35."
RATIO = "The bank\u2019s ratio \u2013 net \u2013 is\n70%."
PASSAGES = (
    Passage(id="a", document_id="faq", locator="p. 1", text=f"{FEE} It is due at once."),
    Passage(id="b", document_id="policy", locator="p. 2", text=RATIO),
)


def cited(quote: str | None = FEE, passage: Any = 1, text: str = "The fee is EUR 35.") -> str:
    citation = {"passage": passage} | ({} if quote is None else {"quote": quote})
    return json.dumps({"answerable": True, "claims": [{"text": text, "citations": [citation]}]})


def quotes(reading: Reading) -> list[tuple[str, str]]:
    assert reading.answer is not None
    return [(c.document_id, c.quote) for c in reading.answer.citations]


def test_a_reply_in_the_form_asked_for_needs_no_repair() -> None:
    reading = read(cited(), PASSAGES)

    assert quotes(reading) == [("faq", FEE)]
    assert [claim.text for claim in reading.claims] == ["The fee is EUR 35."]
    assert reading.repairs == []


def test_a_refusal_is_read_as_one() -> None:
    reading = read('{"answerable": false, "claims": []}', PASSAGES)

    assert (reading.answer, reading.repairs) == (None, [])


@pytest.mark.parametrize(
    ("reply", "repair"),
    [
        (f"```json\n{cited()}\n```", "fence"),
        (f"Sure! Here it is:\n```\n{cited()}\n```\nAnything else?", "fence"),
        (f"Of course. {cited()} I hope that helps.", "words stood around"),
        (f"<think>Is it 35? {{maybe}}</think>\n{cited()}", "words stood around"),
        (cited()[:-2] + ",]}", "broken"),
        (cited().replace('"', "'"), "broken"),
    ],
)
def test_json_is_found_wherever_it_is_and_the_repair_told(reply: str, repair: str) -> None:
    reading = read(reply, PASSAGES)

    assert quotes(reading) == [("faq", FEE)]
    assert [repair in told for told in reading.repairs] == [True]


@pytest.mark.parametrize(
    "reply",
    [
        "The late payment fee is EUR 35.",
        "",
        "{}",
        '{"answerable": true, "claims": []}',
        '{"answerable": true, "claims": [{"text": " "}]}',
        cited()[: len(cited()) // 2],
        cited()[:-2] + ', {"text": "The fee is not',
        "[1, 2]",
        "null",
    ],
)
def test_a_reply_without_whole_claims_is_unusable(reply: str) -> None:
    with pytest.raises(UnusableError):
        read(reply, PASSAGES)


@pytest.mark.parametrize("passage", [1, "1", "[1]", "passage 1", "faq", "a"])
def test_a_passage_may_be_named_in_many_ways(passage: Any) -> None:
    reading = read(cited(passage=passage), PASSAGES)

    assert quotes(reading) == [("faq", FEE)]
    assert reading.repairs == []


@pytest.mark.parametrize("passage", [2, 0, 9, "annual report", None])
def test_a_quote_under_a_wrong_name_is_found_where_it_stands(passage: Any) -> None:
    reading = read(cited(passage=passage), PASSAGES)

    assert quotes(reading) == [("faq", FEE)]
    assert reading.repairs == [
        "a quote of claim 1 stands in passage 1, and not in the one that it names"
    ]


def test_a_quote_is_given_as_its_passage_has_it() -> None:
    reading = read(cited("the bank's ratio - net - is 70%", 2), PASSAGES)

    assert quotes(reading) == [("policy", "The bank\u2019s ratio \u2013 net \u2013 is\n70%")]
    assert reading.repairs == ["a quote of claim 1 is set as its passage has it"]


def test_white_space_in_a_quote_is_no_repair() -> None:
    reading = read(cited("ratio \u2013 net \u2013 is 70%.", 2), PASSAGES)

    assert quotes(reading) == [("policy", "ratio \u2013 net \u2013 is\n70%.")]
    assert reading.repairs == []


def test_both_sides_of_an_ellipsis_are_quoted() -> None:
    reading = read(cited("The late payment fee ... It is due at once."), PASSAGES)

    assert quotes(reading) == [("faq", "The late payment fee"), ("faq", "It is due at once.")]


@pytest.mark.parametrize("quote", ["The fee is EUR 36.", "…", '""', "late"[::-1]])
def test_a_quote_that_stands_nowhere_is_left_out_and_told(quote: str) -> None:
    reading = read(cited(quote), PASSAGES)

    assert [quote for _, quote in quotes(reading) if quote not in FEE] == []
    assert reading.repairs


def test_a_passage_without_a_quote_is_quoted_where_it_is_nearest_to_the_claim() -> None:
    reading = read(cited(None, text="The late payment fee is EUR 35."), PASSAGES)

    assert quotes(reading) == [("faq", FEE)]
    assert "without a quote" in reading.repairs[0]


def test_claims_share_their_citations() -> None:
    claim = {"text": "EUR 35.", "citations": [{"passage": 1, "quote": FEE}]}
    reading = read(json.dumps({"claims": [claim, {**claim, "text": "At once."}]}), PASSAGES)

    assert quotes(reading) == [("faq", FEE)]
    assert [claim.citations for claim in reading.claims] == [(0,), (0,)]
    assert reading.answer is not None
    assert reading.answer.text == "EUR 35.\nAt once."


@given(st.text(), st.one_of(st.integers(), st.text(), st.none(), st.lists(st.integers())))
def test_whatever_is_cited_every_quote_that_leaves_stands_in_its_passage(
    quote: str, passage: Any
) -> None:
    reading = read(cited(quote, passage), PASSAGES)

    texts = {passage.document_id: passage.text for passage in PASSAGES}
    assert all(quote in texts[document] for document, quote in quotes(reading))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["claims", "text", "citations", "passage", "quote", "answerable"]),
                inner,
                max_size=4,
            )
        ),
    )
)
@example([None, {"answerable": False}])
def test_any_json_is_read_or_unusable_and_nothing_else(value: Any) -> None:
    reply = json.dumps(value)
    with suppress(UnusableError):
        refuses = read(reply, PASSAGES).answer is None
        if isinstance(value, dict):
            assert refuses is (value.get("answerable") is False)
        else:  # an object in something else is read like one in prose
            assert not refuses or '"answerable": false' in reply
