"""Who needs what on AWS: by principal, its policies."""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final

from glideslope.access.aws import kafka, storage
from glideslope.access.aws.estate import TEMPLATE, Estate
from glideslope.access.aws.policy import Statement, document
from glideslope.access.principals import UnknownRoleError, principals
from glideslope.access.rights import Principal
from shared import topics
from shared.settings import Settings

KAFKA: Final = "kafka"
DATA: Final = "data"
WITNESS: Final = Principal("witness", "cosigns the audit logs, best in another account", ())
"""Somebody else's process, which does not connect to Kafka."""
FETCHER: Final = Principal(
    "fetcher", "External Secrets: brings services' secrets to the cluster", ()
)
"""Reads what every service may: where it fetches, who may read a Secret decides in its place."""
_PREFIX: Final = "topic-prefix-of-the-template."  # settings take no `${…}` for one


def policies(name: str, estate: Estate) -> dict[str, dict[str, Any]]:
    """Return what a service or role needs but models, which follow from releases (`bedrock`).

    There are two parts at the most, `kafka` and `data` (S3, KMS, secrets): IAM counts the
    characters of a policy, and a role may have several. Raises `UnknownRoleError`.
    """
    known = _everybody(estate.topic_prefix)
    if name not in known:
        raise UnknownRoleError(name, known)
    found = {
        KAFKA: tuple(kafka.statements(known[name].rights, estate)) if known[name].rights else (),
        DATA: tuple(_data(known[name], estate)),
    }
    return {part: document(statements) for part, statements in found.items() if statements}


def templates(name: str) -> dict[str, str]:
    """Return the same for Terraform's `templatefile`. Raises `UnknownRoleError`."""
    made = policies(name, TEMPLATE.model_copy(update={"topic_prefix": _PREFIX}))
    return {
        part: json.dumps(each, indent=2).replace(_PREFIX, TEMPLATE.topic_prefix) + "\n"
        for part, each in made.items()
    }


def attached() -> tuple[str, ...]:
    """Return whom Terraform makes a role for: who runs on the cluster, and who takes one there."""
    services = (name for name, each in _everybody("").items() if each.is_service)
    return (*services, "installer", "scaler", FETCHER.name, "auditor", "releaser", WITNESS.name)


@cache  # every service is built to see what it declares
def _everybody(topic_prefix: str) -> Mapping[str, Principal]:
    settings = Settings(topic_prefix=topic_prefix)
    return {each.name: each for each in (*principals(settings), WITNESS, FETCHER)}


def _data(principal: Principal, estate: Estate) -> Iterator[Statement]:
    if principal.is_service:
        yield from storage.secrets(estate, principal.name)
    if principal.name == "audit":
        yield from storage.written_once(estate)
        yield from storage.wrapped(estate)
    elif principal.name == "auditor":
        yield from storage.verified(estate)
    elif principal is WITNESS:
        yield from storage.witnessed(estate)
    elif principal is FETCHER:
        yield from storage.secrets(estate, *topics.RETRIES)
