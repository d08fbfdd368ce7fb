"""What an item shows: claims with their quotes, quotes in passages, figures in their cells."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from services.review.item import Item, Risk, Status, Summary, item_id
from services.review.web.marks import Mark, find, pieces
from services.review.web.reading import read
from services.review.web.tables import Block, blocks
from shared.events import Answer, AnswerChecked, Citation, Claim, Compared, Passage, Span, Verdict

TABLE = "Sales by year:\n| | 2023 |\n|---|---|\n| Net sales | 6,310 |\nAll in millions."
Waiting = Callable[..., AnswerChecked]


def item(checked: AnswerChecked) -> Item:
    request, now = checked.request, datetime.now(UTC)
    summary = Summary(
        item_id(request.request_source, request.request_id),
        request.request_source,
        request.request_id,
        request.tenant,
        request.question,
        checked.reason,
        0.5,
        Risk.NORMAL,
        None,
        Status.OPEN,
        now,
        now,
        "none",  # type: ignore[arg-type] # shows nothing here
    )
    return Item(summary, checked, "0" * 64)


def text_of(block: Block) -> str:
    return "".join(piece.text for piece in block.prose)


def test_a_text_is_cut_where_marks_begin_and_end_and_nothing_is_lost() -> None:
    text = "one two three"
    cut = pieces(text, [Mark(0, 7, "a"), Mark(4, 13, "b"), Mark(50, 60, "c"), Mark(3, 3, "d")])
    assert [(p.text, [m.kind for m in p.marks]) for p in cut] == [
        ("one ", ["a"]),
        ("two", ["a", "b"]),
        (" three", ["b"]),
    ]


@pytest.mark.parametrize(
    ("text", "part", "span"),
    [("a b c", "b c", (2, 5)), ("a b\n  c", "b c", (2, 7)), ("a", "b", None), ("a", "", None)],
)
def test_a_part_is_found_whatever_space_is_between_its_words(
    text: str, part: str, span: tuple[int, int] | None
) -> None:
    assert find(text, part) == span


def test_a_table_is_shown_in_cells_and_the_prose_around_it_as_prose() -> None:
    before, table, after = blocks(TABLE, [])
    assert text_of(before) == "Sales by year:\n"
    assert text_of(after) == "All in millions."
    written = [["".join(p.text for p in cell.pieces) for cell in row] for row in table.rows]
    assert written == [["", "2023"], ["Net sales", "6,310"]]
    assert [[cell.scope for cell in row] for row in table.rows] == [["", "col"], ["row", ""]]


@pytest.mark.parametrize("text", ["no table", "one | line", "a; b, and so on\nnothing here", ""])
def test_what_is_no_table_is_prose(text: str) -> None:
    assert "".join(text_of(block) for block in blocks(text, [])) == text


def test_each_claim_leads_to_its_quote_and_each_quote_to_its_passage(waiting: Waiting) -> None:
    checked = waiting().model_copy(
        update={
            "answer": Answer(
                text="Sales were 6,310. Nobody knows why.",
                citations=(
                    Citation(document_id="d", locator="p. 1", quote="Net  sales | 6,310"),
                    Citation(document_id="d", locator="p. 9", quote="nowhere"),
                ),
            ),
            "claims": (Claim(text="Sales were 6,310.", citations=(0, 1)),),
            "passages": (Passage(id="1", document_id="d", locator="p. 1", text=TABLE),),
        }
    )
    reading = read(item(checked))
    assert [("".join(p.text for p in part.pieces), part.quotes) for part in reading.parts] == [
        ("Sales were 6,310.", (1, 2)),
        (" Nobody knows why.", ()),
    ]
    assert [(quote.passage, quote.parts) for quote in reading.quotes] == [(1, (1,)), (None, (1,))]


def test_a_figure_is_marked_in_its_cell_and_in_the_answer(waiting: Waiting) -> None:
    start = TABLE.index("6,310")
    there = {"figure": "6,311", "document_id": "d", "locator": "p. 1", "text": "6,310"}
    compared = (
        Compared(start=start, end=start + 5, **there),
        Compared(start=0, end=5, **there),  # says what is not so: not shown
    )
    checked = waiting(answer="It was 6,311.").model_copy(
        update={
            "passages": (Passage(id="1", document_id="d", locator="p. 1", text=TABLE),),
            "checks": (
                Verdict(
                    name="figures",
                    verdict="failed",
                    score=0,
                    reason="no",
                    spans=(Span(start=7, end=12), Span(start=90, end=95)),
                    compared=compared,
                ),
            ),
        }
    )
    reading = read(item(checked))
    (shown,) = reading.passages
    cells = [cell for block in shown.blocks for row in block.rows for cell in row]
    assert [cell.is_compared for cell in cells] == [False, False, False, True]
    flagged = [p.text for part in reading.parts for p in part.pieces if p.of("flag")]
    assert flagged == ["6,311"]
    assert reading.checks[0].about == ("6,311",)
