"""A table's rows as Markdown, which keeps each figure in its column."""

from collections.abc import Iterable, Sequence

Row = Sequence[str]


def markdown(rows: Iterable[Row]) -> str:
    """Return the rows as a Markdown table, the first as its header; nothing for empty rows.

    Columns in which nothing stands are left out.
    """
    cells = [[_cell(each) for each in row] for row in rows]
    cells = [row for row in cells if any(row)]
    width = max(map(len, cells), default=0)
    cells = [[*row, *[""] * (width - len(row))] for row in cells]
    kept = [column for column in range(width) if any(row[column] for row in cells)]
    lines = [line([row[column] for column in kept]) for row in cells]
    return "\n".join([*lines[:1], line(["---"] * len(kept)), *lines[1:]]) if lines else ""


def line(cells: Row) -> str:
    """Return one row."""
    return f"| {' | '.join(cells)} |"


def _cell(text: str) -> str:
    return " ".join(text.replace("|", r"\|").split())
