"""Cases to judge, built from plain texts."""

from collections.abc import Callable

import pytest

from services.validator.case import Case
from shared.events import Answer, Citation, Passage
from shared.release import BUILT_IN, Release

MakeCase = Callable[..., Case]


@pytest.fixture
def make_case() -> MakeCase:
    def make(  # noqa: PLR0913 - a case has this many parts
        answer: str,
        passage: str = "",
        *,
        question: str = "How did the year go?",
        title: str = "",
        quote: str | None = None,
        cited: bool = True,
        release: Release = BUILT_IN,
    ) -> Case:
        """Return an answer that cites one passage: the whole of it where no quote is given."""
        given = Passage(id="1", document_id="report", title=title, locator="p. 1", text=passage)
        citation = Citation(
            document_id="report", locator="p. 1", quote=passage if quote is None else quote
        )
        citations = (citation,) if cited else ()
        return Case(question, Answer(text=answer, citations=citations), (given,), release)

    return make
