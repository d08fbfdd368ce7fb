"""`glideslope review …`: a person decides on the answers that could not be vouched for."""

import typer

from glideslope.commands.review import claiming, deciding, erasing

app = typer.Typer(
    no_args_is_help=True, help="Decide on the answers that wait for a person: `fallback.review`."
)
app.command("list")(deciding.list_items)
app.command("show")(deciding.show)
app.command("history")(claiming.history)
app.command("next")(claiming.take_next)
app.command("claim")(claiming.claim)
app.command("release")(claiming.release)
app.command("snooze")(claiming.snooze)
app.command("hand-over")(claiming.hand_over)
app.command("approve")(deciding.approve)
app.command("edit")(deciding.edit)
app.command("reject")(deciding.reject)
app.command("send-back")(deciding.send_back)
app.command("undo")(claiming.undo)
app.command("forget")(erasing.forget)
