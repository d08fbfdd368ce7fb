"""The command line: `glideslope`, or `python -m glideslope`."""

import logging

import typer
from aiokafka.errors import KafkaError

from glideslope.commands import (
    ask,
    audit,
    calibrate,
    demo,
    dlq,
    docs,
    evaluate,
    index,
    review,
    screen,
    status,
    topics,
    up,
    validate,
)

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
app.command("validate")(validate.command)
app.command("calibrate")(calibrate.command)
app.add_typer(evaluate.app, name="eval")
app.command("screen")(screen.command)
app.add_typer(review.app, name="review")
app.add_typer(audit.app, name="audit")
app.add_typer(dlq.app, name="dlq")
app.add_typer(topics.app, name="topics")
app.command("docs")(docs.command)


def main() -> None:
    """Run the command line."""
    # What the Kafka client has to say reaches the user as one line from `terminal`.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL + 1)
    # So does what it leaves in futures of its own that nobody looks at.
    logging.getLogger("asyncio").addFilter(_is_not_of_kafka)
    app()


def _is_not_of_kafka(record: logging.LogRecord) -> bool:
    return record.exc_info is None or not isinstance(record.exc_info[1], KafkaError)


if __name__ == "__main__":
    main()
