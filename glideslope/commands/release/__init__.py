"""`glideslope release …`: what answers is registered, tried, promoted and rolled back."""

import typer

from glideslope.commands.release import compare, registry, routing, watch

app = typer.Typer(
    no_args_is_help=True,
    help="Register what answers, try it on a part of the traffic, promote it, roll it back.",
)
app.command("create")(registry.create)
app.command("list")(registry.list_releases)
app.command("show")(registry.show)
app.command("diff")(registry.diff)
app.command("status")(routing.status)
app.command("promote")(routing.promote)
app.command("rollback")(routing.rollback)
app.command("canary")(routing.canary)
app.command("shadow")(routing.shadow)
app.command("compare")(compare.command)
app.command("watch")(watch.command)
