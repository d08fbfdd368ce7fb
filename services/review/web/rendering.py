"""Jinja2 templates, with everything escaped, and what each page needs to know."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from services.review.web import current, words
from services.review.web.undo import offered

FOLDER: Final = Path(__file__).parent


class Templates:
    """The pages, as functions of what they show."""

    def __init__(self) -> None:
        self._environment = Environment(
            loader=FileSystemLoader(FOLDER / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            auto_reload=False,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters.update(
            ago=words.ago, until=words.until, clock=words.clock, percent=words.percent
        )

    def page(self, request: Request, name: str, status: int = 200, /, **shown: Any) -> Response:
        """Return a page, or a fragment of one."""
        session = current.session(request)
        text = self._environment.get_template(name).render(
            now=datetime.now(UTC),
            who=current.identity(request),
            called="" if session is None else session.called,
            csrf="" if session is None else session.csrf,
            undo=None if session is None else offered(session),
            **shown,
        )
        return HTMLResponse(text, status)
