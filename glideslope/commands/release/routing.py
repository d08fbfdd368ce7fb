"""`glideslope release status | promote | rollback | canary | shadow`: which release answers."""

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from typing import Annotated

import typer
from rich.text import Text

from glideslope import terminal
from glideslope.commands.release.options import Json, Name, Who, Why, reason, run
from glideslope.releases import change as changes
from glideslope.releases import registry, routes
from glideslope.releases.change import By
from glideslope.releases.registry import Registry
from glideslope.releases.routes import Step
from glideslope.terminal import out, plain
from shared.events import RoutingChanged
from shared.settings import Settings

_Revision = Annotated[
    int | None,
    typer.Option(
        min=0,
        help="Only if the routing is still at this revision, which `release status` shows.",
    ),
]
_Part = Annotated[
    str | None,
    typer.Argument(metavar="RELEASE", help="Its name, or the first digits of its hash."),
]
_Percent = Annotated[
    float | None, typer.Option(min=0, max=100, help="Share of the conversations, above 0.")
]
StepOf = Callable[[str], Step]
"""A change, given the release that it is about."""

_Off = Annotated[bool, typer.Option("--off", help="End it.")]


def status(as_json: Json = False) -> None:
    """Show which releases answer, and who made it so."""
    state, known = run(_status(terminal.cluster_settings()))
    _show(state, known, as_json=as_json)


def promote(
    release: Name,
    who: Who = None,
    why: Why = None,
    revision: _Revision = None,
    as_json: Json = False,
) -> None:
    """Let a release answer everything from now on; what is in flight ends as it began.

    A canary ends. Exit code 1: it could not be done as things stand, and why.
    """
    _change("release.promote", routes.promote, release, who, why, revision, as_json=as_json)


def rollback(
    who: Who = None, why: Why = None, revision: _Revision = None, as_json: Json = False
) -> None:
    """Go back to the release that was promoted before; a canary ends.

    It takes effect within seconds, and nothing is restarted. What is in flight ends on the release
    that it was pinned to.
    """
    _change(
        "release.rollback", _whatever(routes.roll_back), None, who, why, revision, as_json=as_json
    )


def canary(  # noqa: PLR0913, PLR0917 - typer wants options as arguments
    release: _Part = None,
    percent: _Percent = None,
    off: _Off = False,
    who: Who = None,
    why: Why = None,
    revision: _Revision = None,
    as_json: Json = False,
) -> None:
    """Let a release answer a share of the conversations, or another share than before.

    A conversation keeps its side, also when the share grows.
    """
    _check_part(release, percent, off=off, needs_percent=True)
    if off:
        action, step = "release.canary_off", _whatever(routes.end_canary)
    else:
        action, step = "release.canary", partial(routes.canary, percent=percent or 0)
    _change(action, step, release, who, why, revision, as_json=as_json)


def shadow(  # noqa: PLR0913, PLR0917 - typer wants options as arguments
    release: _Part = None,
    percent: _Percent = None,
    off: _Off = False,
    who: Who = None,
    why: Why = None,
    revision: _Revision = None,
    as_json: Json = False,
) -> None:
    """Run a release on copies of requests, of all or of a share; it never answers.

    What it makes of them is on `shadows.checked`, in the audit log, and in `release compare`. It
    costs what answering costs.
    """
    _check_part(release, percent, off=off, needs_percent=False)
    if off:
        action, step = "release.shadow_off", _whatever(routes.end_shadow)
    else:
        share = 100.0 if percent is None else percent
        action, step = "release.shadow", partial(routes.shadow, percent=share)
    _change(action, step, release, who, why, revision, as_json=as_json)


def _check_part(
    release: str | None, percent: float | None, *, off: bool, needs_percent: bool
) -> None:
    if off and (release is not None or percent is not None):
        raise typer.BadParameter("it ends whatever there is: give nothing else", param_hint="--off")
    if not off and release is None:
        raise typer.BadParameter("say which release, or --off", param_hint="RELEASE")
    if not off and ((percent is None and needs_percent) or percent == 0):
        raise typer.BadParameter("say which share, above 0 and up to 100", param_hint="--percent")


def _whatever(step: Callable[[], Step]) -> StepOf:
    return lambda _release: step()


def _change(  # noqa: PLR0913, PLR0917 - what all of the commands are given
    action: str,
    step: StepOf,
    release: str | None,
    who: str | None,
    why: str | None,
    revision: int | None,
    *,
    as_json: bool,
) -> None:
    by = By(terminal.person(who, "--who"), action, reason(why), release or "")
    state, known = run(_changed(step, release, by, revision, terminal.cluster_settings()))
    _show(state, known, as_json=as_json)


async def _changed(
    step: StepOf, wanted: str | None, by: By, revision: int | None, settings: Settings
) -> tuple[RoutingChanged, Registry]:
    known = await registry.load(settings)
    release = "" if wanted is None else known.find(wanted).release
    return await changes.change(settings, step(release), by, seen=revision), known


async def _status(settings: Settings) -> tuple[RoutingChanged, Registry]:
    return await changes.load(settings), await registry.load(settings)


def _show(state: RoutingChanged, known: Registry, *, as_json: bool) -> None:
    if as_json:
        terminal.print_json(state)
        return
    for what, said in _lines(state, known):
        out.print(Text(f"{what:9} ", style="cyan").append(plain(said), "default"), soft_wrap=True)


def _lines(state: RoutingChanged, known: Registry) -> Iterator[tuple[str, str]]:
    yield "promoted", _promoted(state.promoted, known)
    for what, part in (("canary", state.canary), ("shadow", state.shadow)):
        if part is not None:
            yield what, f"{known.title(part.release)}, {part.percent:g} %, since {_at(part.since)}"
    if state.earlier:
        yield "before", _promoted(state.earlier[0], known)
    if state.revision:
        why = f": {state.reason}" if state.reason else ""
        did = f"{state.action} by {state.operator}, {_at(state.changed_at)}"
        yield "revision", f"{state.revision}, {did}{why}"


def _promoted(release: str | None, known: Registry) -> str:
    if release is None:
        return "none: each ingest's GLIDESLOPE_RELEASE, built-in where it is not set"
    return known.title(release)


def _at(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
