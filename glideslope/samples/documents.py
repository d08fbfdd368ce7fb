"""The sample documents and who may see them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from glideslope.documents import Terms, contents, load
from shared.events import DocumentSubmitted

CREDIT_STAFF: Final = "credit"
"""The group that may see the credit policy."""


@dataclass(frozen=True, slots=True)
class SampleDocument:
    """A document that ships with the project. `groups` None: everyone of the tenant may see it."""

    name: str
    groups: tuple[str, ...] | None = None

    @property
    def path(self) -> Path:
        """The Markdown file."""
        return Path(__file__).parent / "texts" / self.name

    @property
    def submitted(self) -> DocumentSubmitted:
        """The document as it is published."""
        loaded = load(self.name, self.path, contents(self.path), Terms(self.groups))
        return loaded.submissions[0].document


DOCUMENTS: Final = (
    SampleDocument("annual-report-2024.md"),
    SampleDocument("credit-policy.md", groups=(CREDIT_STAFF,)),
    SampleDocument("flexline-faq.md"),
)
