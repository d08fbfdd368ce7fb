"""`glideslope release create | list | show | diff`: the releases that there are."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Column, Table
from rich.text import Text

from glideslope import terminal
from glideslope.commands.release.options import Json, Name, Who, run
from glideslope.releases import change, manifest, registry
from glideslope.releases.registry import Registered, Registry
from glideslope.terminal import CommandError, out, plain
from shared.events import RoutingChanged
from shared.release import SHORT, Release
from shared.settings import Settings


def create(
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="Manifests: YAML, or JSON.")],
    who: Who = None,
    why: Annotated[str, typer.Option(help="Why. It goes on the record.")] = "",
    as_json: Json = False,
) -> None:
    """Check manifests and register them under the hash of their content; repeat it as you like.

    All of them, or none if one is wrong. Nothing is answered by them yet: see `promote`, `canary`,
    `shadow`. Exit codes: 0 they are registered; 1 a manifest is wrong; 3 the cluster cannot be
    worked with.
    """
    with terminal.told():
        found = [manifest.read(file) for file in files]
        for file, release in zip(files, found, strict=True):
            _check(file, release)
    operator = terminal.person(who, "--who")
    states = run(
        registry.create(found, terminal.cluster_settings(), operator=operator, reason=why.strip())
    )
    rows = [
        {
            "file": str(file),
            "name": release.name,
            "release": release.content_hash(),
            "state": state,
        }
        for file, release, state in zip(files, found, states, strict=True)
    ]
    if as_json:
        terminal.print_json(rows)
        return
    for row in rows:
        out.print(Text(plain(f"{row['release']} {row['name']}: {row['state']}")), soft_wrap=True)


def list_releases(as_json: Json = False) -> None:
    """List the releases that there are, the newest last, and which part each has."""
    found, routing = run(_routed(terminal.cluster_settings()))
    if as_json:
        terminal.print_json(
            [
                {
                    "release": each.release,
                    "name": each.manifest.name,
                    "registered_at": each.at,
                    "part": _part(each.release, routing),
                }
                for each in found.known.values()
            ]
        )
    else:
        table = Table("release", "name", "model", "registered", "", box=None)
        for each in found.known.values():
            table.add_row(
                each.release[:SHORT],
                Text(plain(each.manifest.name)),
                Text(plain(each.manifest.generator.model)),
                "built in" if each.at is None else f"{each.at:%Y-%m-%d %H:%M}",
                _part(each.release, routing),
            )
        out.print(table)
    for position in found.unreadable:
        terminal.complain(f"record {position} holds no release and is left out")


def show(release: Name, as_json: Json = False) -> None:
    """Show a release as a file that would make it again."""
    found = run(_found(release))
    if as_json:
        terminal.print_json(
            {"release": found.release, "manifest": manifest.as_data(found.manifest)}
        )
    else:
        out.print(Text(plain(f"# {found.release}\n{manifest.as_yaml(found.manifest)}")), end="")


def diff(
    one: Annotated[str, typer.Argument(metavar="A", help="A name, or digits of a hash.")],
    other: Annotated[str, typer.Argument(metavar="B", help="Another.")],
    as_json: Json = False,
) -> None:
    """Show every field in which two releases differ."""
    first, second = run(_both(one, other))
    fields = manifest.differences(first.manifest, second.manifest)
    if as_json:
        terminal.print_json(
            {
                "a": first.release,
                "b": second.release,
                "fields": {path: {"a": a, "b": b} for path, (a, b) in fields.items()},
            }
        )
        return
    if not fields:
        out.print("they are the same release")
        return
    titles = (Column(Text(plain(each.title))) for each in (first, second))
    table = Table("field", *titles, box=None)
    for path, values in fields.items():
        table.add_row(Text(path), *(Text(_shown(value)) for value in values))
    out.print(table)


async def _routed(settings: Settings) -> tuple[Registry, RoutingChanged]:
    return await registry.load(settings), await change.load(settings)


def _part(release: str, routing: RoutingChanged) -> str | None:
    if release == routing.promoted:
        return "promoted"
    for name, part in (("canary", routing.canary), ("shadow", routing.shadow)):
        if part is not None and part.release == release:
            return f"{name} {part.percent:g} %"
    return None


async def _found(wanted: str) -> Registered:
    return (await registry.load(terminal.cluster_settings())).find(wanted)


async def _both(one: str, other: str) -> tuple[Registered, Registered]:
    found = await registry.load(terminal.cluster_settings())
    return found.find(one), found.find(other)


def _shown(value: Any) -> str:
    if value is None:
        return "not set"
    return plain(", ".join(map(str, value)) if isinstance(value, list) else str(value))


def _check(file: Path, release: Release) -> None:
    """Refuse what would register and send every answer to a person. Raises `CommandError`."""
    from services.validator.checks import CHECKS  # noqa: PLC0415 - the help must not wait for it

    for field in ("checks", "shadow_checks"):
        for name in getattr(release, field) or ():
            if name not in CHECKS:
                raise CommandError(
                    f"{file} is no release: {field}: there is no check {name!r}; there are "
                    f"{', '.join(sorted(CHECKS))}"
                )
