"""Word documents (.docx), by way of HTML: headings, lists, tables, footnotes."""

import io
import zipfile
from typing import Final

import mammoth

from glideslope.reading import Reading, ReadingError
from glideslope.reading.html import html

_STYLES: Final = "p[style-name='Title'] => h1:fresh\np[style-name='Subtitle'] => h2:fresh"


def docx(raw: bytes) -> Reading:
    """Read a Word document. Its title is its first heading. Raises `ReadingError`."""
    try:
        converted = mammoth.convert_to_html(
            io.BytesIO(raw),
            style_map=_STYLES,
            convert_image=mammoth.images.img_element(lambda _: {"src": ""}),
        )
    except zipfile.BadZipFile as error:
        raise ReadingError(
            "is no .docx: open it in Word and save it as .docx, without a password"
        ) from error
    except Exception as error:  # whatever a broken file does to the library
        raise ReadingError(
            f"cannot be read as a Word document ({type(error).__name__}): open it in Word and "
            "save it anew"
        ) from error
    if not converted.value.strip():
        raise ReadingError("has no text: if it is scanned pages, recognise their text (OCR) first")
    return html(converted.value)
