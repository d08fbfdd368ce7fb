"""Rights as `kafka-acls.sh` is told them."""

import shlex
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Final

from glideslope.access.rights import Kind, Operation, Principal, Right

_OPTIONS: Final = {
    Kind.TOPIC: "--topic",
    Kind.GROUP: "--group",
    Kind.TRANSACTIONAL_ID: "--transactional-id",
}


def commands(
    principals: Iterable[Principal], bootstrap_servers: str, command_config: str | None = None
) -> Iterator[str]:
    """Yield the shell commands that give principals their rights, one for all of one kind.

    `command_config` is the properties file with which `kafka-acls.sh` logs on.
    """
    start = ["kafka-acls.sh", "--bootstrap-server", bootstrap_servers]
    start += ["--command-config", command_config] if command_config else []
    for principal in principals:
        who = ["--add", "--allow-principal", f"User:{principal.name}"]
        for (kind, operation, is_prefix), alike in groupby(
            sorted(principal.rights, key=_sort), key=_sort
        ):
            what = [word for right in alike for word in (_OPTIONS[kind], right.name)]
            how = ["--resource-pattern-type", "prefixed"] if is_prefix else []
            yield shlex.join([*start, *who, "--operation", operation, *how, *what])


def _sort(right: Right) -> tuple[Kind, Operation, bool]:
    return right.kind, right.operation, right.is_prefix
