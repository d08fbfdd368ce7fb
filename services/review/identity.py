"""Who asks: what signing in has established, and what it lets them see and do."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

EVERY_TENANT = "*"
"""In `Identity.tenants`: all there are."""


class Role(StrEnum):
    """What a person may do. One without any of these sees nothing."""

    REVIEWER = "reviewer"
    """Claims and decides."""
    LEAD = "lead"
    """As a reviewer; also hands on what somebody else has, and settles what two disagree on."""
    AUDITOR = "auditor"
    """Sees everything of their tenants, and decides nothing."""
    OPERATOR = "operator"
    """Sees counts, and no content."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A person who has signed in, by a name that stays the same and that no other person has.

    `tenants` are those whose items they may see. An item that asks for a skill is claimed by
    those who have it.
    """

    name: str
    roles: frozenset[Role]
    tenants: frozenset[str]
    skills: frozenset[str] = frozenset()

    @property
    def reads(self) -> bool:
        """Whether they may see items."""
        return bool(self.roles & {Role.REVIEWER, Role.LEAD, Role.AUDITOR})

    @property
    def decides(self) -> bool:
        """Whether they may claim and decide."""
        return bool(self.roles & {Role.REVIEWER, Role.LEAD})

    @property
    def leads(self) -> bool:
        """Whether they may take items from others."""
        return Role.LEAD in self.roles


Identify = Callable[[Any], Awaitable[Identity | None]]
"""Say who sends a `starlette.requests.Request`; None for nobody who is known."""
