"""The page of who may do what on Kafka."""

from collections.abc import Iterable

from glideslope.access import Kind, Operation, Principal, Right, principals
from shared.settings import Settings

_HEAD = """<!-- Generated from what services declare and from glideslope/access: run `make docs` -->
# Who may do what on Kafka

A table is all that its user may do; a cluster refuses the rest, which `make test-rights` tries. Who
may read or write also sees that the topic, group or transactional id is there. `name*` is every
name that begins so. `GLIDESLOPE_TOPIC_PREFIX` comes before all of them. How to set it up, and how
users prove who they are: [rights](rights.md).
"""
_KINDS = {
    Kind.TOPIC: "",
    Kind.GROUP: "group ",
    Kind.TRANSACTIONAL_ID: "transactional id ",
}


def page() -> str:
    """Return the page in Markdown, services first."""
    everybody = principals(Settings.model_construct())
    services = [each for each in everybody if each.is_service]
    roles = [each for each in everybody if not each.is_service]
    sections = [_section("Services", services), _section("People and other systems", roles)]
    return "\n".join([_HEAD, *sections])


def _section(heading: str, some: Iterable[Principal]) -> str:
    lines = [f"## {heading}", ""]
    for principal in some:
        lines += [f"### `{principal.name}`", "", f"{principal.about}."]
        lines += ["", "| may | what |", "|---|---|"]
        for operation in Operation:
            rights = [right for right in principal.rights if right.operation is operation]
            if rights:
                lines.append(f"| {operation.value} | {', '.join(map(_named, rights))} |")
        lines.append("")
    return "\n".join(lines)


def _named(right: Right) -> str:
    return f"{_KINDS[right.kind]}`{right.name}{'*' if right.is_prefix else ''}`"
