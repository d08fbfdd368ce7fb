"""Screening of what people and documents put before the model.

Pure functions over a text, the same for a question at the door, a passage before it is trusted,
and `glideslope screen`.
"""

from shared.screening.injection import Finding, Screening, screen_passage, screen_question
from shared.screening.links import Link, links_out

__all__ = ["Finding", "Link", "Screening", "links_out", "screen_passage", "screen_question"]
