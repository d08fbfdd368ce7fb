"""`glideslope audit …`: what an auditor types."""

import typer

from glideslope.commands.audit import (
    export,
    gaps,
    reconcile,
    rotate,
    serve,
    show,
    subjects,
    verify,
    witness,
)

app = typer.Typer(
    no_args_is_help=True,
    help="Check the audit log, and prove what is in it.",
)
app.command("verify")(verify.command)
app.command("reconcile")(reconcile.command)
app.command("gaps")(gaps.command)
app.command("show")(show.command)
app.command("export")(export.command)
app.command("erase")(subjects.erase)
app.command("hold")(subjects.hold)
app.command("release")(subjects.release)
app.command("rotate")(rotate.command)
app.command("serve")(serve.command)
app.command("witness")(witness.command)
