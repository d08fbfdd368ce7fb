"""Who needs what on AWS: by principal, the statements of its policy."""

from collections.abc import Iterator
from typing import Final

from glideslope.access.aws import kafka, storage
from glideslope.access.aws.estate import Estate
from glideslope.access.aws.policy import Statement
from glideslope.access.rights import Principal

WITNESS: Final = "witness"
"""Somebody else's process: of all that is here it needs the audit bucket alone."""


def statements(principal: Principal, estate: Estate) -> Iterator[Statement]:
    """Yield all that a principal needs but models, which follow from releases (`bedrock`)."""
    yield from kafka.statements(principal.rights, estate)
    if principal.is_service:
        yield from storage.secrets(estate, principal.name)
    if principal.name == "audit":
        yield from storage.written_once(estate)
        yield from storage.wrapped(estate)
    elif principal.name == "auditor":
        yield from storage.verified(estate)
