"""What calls of the API carry, and what they answer beside the domain's own."""

from typing import Annotated, Final

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from services.review.decision import TEXT_MAX, Decision, Kind

_AT_ONCE: Final = 100


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


Note = Annotated[str, Field(max_length=8_000)]
Name = Annotated[str, Field(max_length=512)]


class Error(BaseModel):
    """Why not, and what to do."""

    code: str
    message: str


class Under(_Body):
    """What is done under a claim."""

    token: int
    """The claim's."""


class HandOver(Under):
    """To whom, and why."""

    to: Name
    note: Note = ""


class Snooze(Under):
    """Until when, and why."""

    until: AwareDatetime
    note: Note = ""


class Edit(Under):
    """An edited answer to be checked."""

    text: Annotated[str, Field(max_length=TEXT_MAX)]


class Choice(Under):
    """A decision; `payload` is that of the item as it was displayed."""

    kind: Kind
    payload: str
    proposal: str | None = None
    """The checked edit that is let out, on `edited`."""
    accepts: tuple[Name, ...] = ()
    """Checks that the edit fails and that it is let out in spite of."""
    reason: Name = ""
    """On `rejected`: one of the release's, where it has a list."""
    note: Note = ""


class Rejected(_Body):
    """One of several items that are rejected at once."""

    item_id: str
    payload: str


class Rejections(_Body):
    """Several items, one reason."""

    items: Annotated[list[Rejected], Field(min_length=1, max_length=_AT_ONCE)]
    reason: Name = ""
    note: Note = ""


class Outcomes(BaseModel):
    """What became of each item: its decision, or why not."""

    decided: dict[str, Decision]
    refused: dict[str, str]
