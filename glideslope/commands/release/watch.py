"""`glideslope release watch`: a canary that is surely worse is rolled back by itself."""

from typing import Any

import typer
from rich.text import Text

from glideslope import terminal
from glideslope.commands.release.options import Json, run
from glideslope.releases.rule import Finding, Rule, WatchSettings
from glideslope.releases.watch import End, watch
from glideslope.terminal import Exit, err, out, plain


def command(as_json: Json = False) -> None:
    """Watch the canary until it ends; end it when it is significantly worse. Ctrl-C ends the watch.

    A canary that is not worse is rolled back with probability GLIDESLOPE_WATCH_ALPHA at the most,
    however long it runs and however often one looks. GLIDESLOPE_WATCH_MEASURES says what counts.
    What is done is on the record as done by `release watch`.

    Exit codes: 0 somebody ended or promoted the canary; 1 it was rolled back; 3 the cluster cannot
    be worked with.
    """
    settings = terminal.cluster_settings(WatchSettings)
    with err.status("watching the canary") as status:

        def report(rule: Rule) -> None:
            status.update(Text(plain("; ".join(map(str, rule.findings())))))

        end = run(watch(settings, report))
    if as_json:
        terminal.print_json(_as_data(end))
    else:
        said = "was rolled back" if end.outcome == "rolled_back" else "has ended"
        why = f", {end.finding}" if end.finding else f": {end.routing.action}"
        out.print(Text(plain(f"canary {end.canary} {said}{why}")), soft_wrap=True)
    if end.outcome == "rolled_back":
        raise typer.Exit(Exit.FAILED)


def _as_data(end: End) -> dict[str, Any]:
    return {
        "outcome": end.outcome,
        "canary": end.canary,
        "finding": None if end.finding is None else _finding(end.finding),
        "routing": end.routing,
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {name: getattr(finding, name) for name in Finding.__slots__}
