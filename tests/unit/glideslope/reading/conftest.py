"""Files of each format, made here by the libraries that others make them with."""

import io
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from reportlab.lib import colors, pagesizes
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    Frame,
    PageBreak,
    PageTemplate,
    Paragraph,
    SimpleDocTemplate,
    Table,
)

TABLE = [
    ["In EUR million", "2024", "2023"],
    ["Net interest income", "214.6", "198.2"],
    ["Fee income", "", "41.0"],
    ["Operating costs", "(120.4)", "(115.9)"],
]
GRID = [("GRID", (0, 0), (-1, -1), 0.5, colors.black)]
RIGHT = [("ALIGN", (1, 0), (-1, -1), "RIGHT")]

MakePdf = Callable[..., bytes]


def paragraph(text: str) -> Any:
    return Paragraph(text, getSampleStyleSheet()["Normal"])


def table(rows: Sequence[Sequence[Any]], style: Sequence[Any], widths: Any = None) -> Any:
    return Table(rows, colWidths=widths, style=list(style))


@pytest.fixture
def make_pdf() -> MakePdf:
    """Return a function that makes a PDF of pages of flowables."""

    def make(*pages: Sequence[Any], columns: int = 1, **options: Any) -> bytes:
        file = io.BytesIO()
        story = [part for page in pages for part in (*page, PageBreak())][:-1]
        if columns == 1:
            SimpleDocTemplate(file, pagesize=pagesizes.A4, **options).build(story)
        else:
            document = BaseDocTemplate(file, pagesize=pagesizes.A4, **options)
            frames = [Frame(40 + 260 * number, 40, 240, 760) for number in range(columns)]
            document.addPageTemplates(PageTemplate(frames=frames))
            document.build(story)
        return file.getvalue()

    return make


@pytest.fixture
def make_scan() -> Callable[[int], bytes]:
    """Return a function that makes a PDF of so many pages with a picture and no text."""

    def make(pages: int) -> bytes:
        from PIL import Image  # noqa: PLC0415 - for this alone
        from reportlab.lib.utils import ImageReader  # noqa: PLC0415 - for this alone

        file = io.BytesIO()
        canvas = Canvas(file)
        for _ in range(pages):
            canvas.drawImage(ImageReader(Image.new("RGB", (8, 8))), 0, 0, 400, 400)
            canvas.showPage()
        canvas.save()
        return file.getvalue()

    return make
