"""The command line: `glideslope`, or `python -m glideslope`."""

import logging

import typer

from glideslope.commands import ask, demo, docs, index, review, status, topics, up

app = typer.Typer(
    name="glideslope",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Questions on Kafka come back as checked, audited answers.",
)
app.command("up")(up.command)
app.command("demo")(demo.command)
app.command("ask")(ask.command)
app.command("index")(index.command)
app.command("status")(status.command)
app.add_typer(review.app, name="review")
app.add_typer(topics.app, name="topics")
app.command("docs")(docs.command)


def main() -> None:
    """Run the command line."""
    # What the Kafka client has to say reaches the user as one line from `terminal`.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL + 1)
    app()


if __name__ == "__main__":
    main()
