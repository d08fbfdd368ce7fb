"""IAM policies, as far as they are needed here.

Source: the IAM user guide, "IAM JSON policy elements reference".
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

VERSION: Final = "2012-10-17"

Condition = Mapping[str, Mapping[str, str | list[str]]]
"""Values by operator and key."""


@dataclass(frozen=True)
class Statement:
    """What is allowed, or denied whatever else allows it. `sid` says why, in one word."""

    sid: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    condition: Condition = field(default_factory=dict)
    effect: Literal["Allow", "Deny"] = "Allow"

    def document(self) -> dict[str, Any]:
        """Return it as IAM has it."""
        return {
            "Sid": self.sid,
            "Effect": self.effect,
            "Action": list(self.actions),
            "Resource": list(self.resources),
            **({"Condition": dict(self.condition)} if self.condition else {}),
        }


def document(statements: Iterable[Statement]) -> dict[str, Any]:
    """Return a policy as IAM has it."""
    return {"Version": VERSION, "Statement": [each.document() for each in statements]}
