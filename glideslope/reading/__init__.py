"""What a file says: its text or its pages, whatever its format.

ReadingError            nothing can be read from it; the message says what to do
└── NoReaderError       what reads this format is not installed
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType
from typing import Final

from shared.events import Page

REVISION: Final = 1
"""To be raised when readers give another text of the same file: `index` then sends it again."""


class ReadingError(Exception):
    """A file cannot be read. The message follows its name: 'is …: do …'."""


class NoReaderError(ReadingError):
    """The libraries that read a format are not installed."""

    def __init__(self, library: str | None) -> None:
        super().__init__(
            f"needs {library} to be read: install the readers, pip install 'glideslope[documents]'"
        )


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read: either `text`, with headings and tables in Markdown, or `pages`.

    `title` is empty where the file says none. `notes` are what a person should know of it: pages
    without text, say.
    """

    text: str | None = None
    pages: tuple[Page, ...] | None = None
    title: str = ""
    notes: tuple[str, ...] = ()


Reader = Callable[[bytes], Reading]

_READERS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        ".csv": ("table", "delimited"),
        ".docx": ("word", "docx"),
        ".htm": ("html", "html"),
        ".html": ("html", "html"),
        ".markdown": ("text", "markdown"),
        ".md": ("text", "markdown"),
        ".pdf": ("pdf", "pdf"),
        ".tsv": ("table", "delimited"),
        ".txt": ("text", "plain"),
    }
)

SUFFIXES: Final = tuple(_READERS)
"""What can be read, by the end of a file's name."""


def read(raw: bytes, suffix: str) -> Reading:
    """Read a file's bytes. `suffix` is one of `SUFFIXES`. Raises `ReadingError`."""
    module, name = _READERS[suffix]
    try:
        # imported here: who indexes text waits for no PDF library, and need not have one
        reader: Reader = getattr(import_module(f"{__name__}.{module}"), name)
    except ModuleNotFoundError as error:
        raise NoReaderError(error.name) from error
    return reader(raw)
