"""The sample documents and who may see them."""

from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

CREDIT_STAFF: Final = "credit"
"""The group that may see the credit policy."""


@dataclass(frozen=True, slots=True)
class SampleDocument:
    """A document that ships with the project. `groups` None: everyone of the tenant may see it."""

    document_id: str
    groups: tuple[str, ...] | None = None

    @property
    def file(self) -> Traversable:
        """The Markdown file."""
        return files("glideslope.samples") / f"{self.document_id}.md"


DOCUMENTS: Final = (
    SampleDocument("annual-report-2024"),
    SampleDocument("credit-policy", groups=(CREDIT_STAFF,)),
    SampleDocument("flexline-faq"),
)
