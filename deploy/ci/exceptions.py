"""What the checks of the supply chain pass over, each with its reason: exceptions.toml."""

import tomllib
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final, Self

from pydantic import BaseModel, ConfigDict, Field

FILE: Final = Path(__file__).with_suffix(".toml")


class _Exception(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    reason: str = Field(min_length=10)


class Known(_Exception):
    """A file whose values look like secrets and are none."""

    path: str
    digests: frozenset[str]
    """The first sixteen digits of each value's SHA-256: another value in the file is found."""


class Accepted(_Exception):
    """A vulnerability of a dependency that is lived with until a day."""

    id: str
    until: date


class Exceptions(BaseModel):
    """All of them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    secret: tuple[Known, ...] = ()
    vulnerability: tuple[Accepted, ...] = ()

    @classmethod
    def read(cls, file: Path = FILE) -> Self:
        """Read the file.

        Raises:
            ValueError: it is no TOML, or an exception lacks its reason.
        """
        return cls.model_validate(tomllib.loads(file.read_text()))

    def accepted(self, today: date | None = None) -> list[str]:
        """Return the vulnerabilities that are lived with today."""
        today = today or datetime.now(UTC).date()
        return [each.id for each in self.vulnerability if today <= each.until]
