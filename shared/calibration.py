"""What a release was promised about its approvals, and by which data: a part of its manifest."""

from datetime import date
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(ge=0, le=1)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Range(_Part):
    """Where the middle 98% of the calibration data lies in one feature."""

    low: float
    high: float


class Population(_Part):
    """What the calibration data is like, so that answers unlike it can be told.

    An answer is unlike it where its kind made up less than a hundredth of the data, or where it
    lies outside the range of at least `features_out` of the features.
    """

    kinds: dict[str, Share]
    """Share of each kind of answer."""
    ranges: dict[str, Range]
    features_out: Annotated[int, Field(ge=1)]


class Certificate(_Part):
    """Of the answers that are approved at `threshold`, at most `risk` are wrong.

    That holds with probability `confidence` over the draw of the `rows` (by `groups`), if the
    answers to come are drawn as they were.
    """

    threshold: Share
    risk: Share
    confidence: Share
    method: str
    """Which bound."""
    bound: Share
    """Upper bound of the share of wrong ones among the approved."""
    rows: Annotated[int, Field(ge=1)]
    groups: Annotated[int, Field(ge=1)]
    approved: Annotated[int, Field(ge=1)]
    wrong: Annotated[int, Field(ge=0)]
    auroc: Share
    data: str
    """SHA-256 of the labelled data, in hex."""
    model: str
    """SHA-256 of the coefficients of groundedness, in hex."""
    made: date
    population: Population


class Calibration(_Part):
    """The outcome of `glideslope calibrate`: a certificate, or why there is none."""

    certificate: Certificate | None = None
    refused: str | None = None
    """Why the data supports no promise; everything then goes to review."""
