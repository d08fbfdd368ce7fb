"""A claim: one person has an item, for a time, under a token that only grows.

The token fences (Kleppmann, How to do distributed locking, 2016): whoever decides names the one
that they were given, and one that has been overtaken by a later claim is refused, however late it
comes.
"""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Claim:
    """Who has an item, under which token, and until when unless it is renewed."""

    holder: str
    token: int
    until: datetime
