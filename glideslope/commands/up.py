"""`glideslope up`: the whole pipeline on this machine, in the foreground."""

from typing import Annotated

import typer

from glideslope import terminal, variables
from glideslope.kafka import LocalKafkaError
from glideslope.supervisor import NotReadyError, Report
from glideslope.terminal import CommandError, Exit
from glideslope.up import Readable, report_json, up
from services.review.web.settings import WebSettings


def command(
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object a line for each event.")
    ] = False,
    with_emulator: Annotated[
        bool,
        typer.Option(
            "--with-emulator",
            help="Answer with emulated models, which speak providers' protocols and only quote.",
        ),
    ] = False,
) -> None:
    """Start Kafka, topics and every service; print `ready` when all are; drain on Ctrl-C.

    Kafka is local unless KAFKA_BOOTSTRAP_SERVERS is set. Every other setting is passed on to the
    services, and checked before anything starts. A service that dies is shown, never restarted, and
    ends the command with its exit code. Each service's log is in GLIDESLOPE_HOME/logs.
    """
    terminal.must_suit(variables.kinds())
    sign_in = terminal.settings(WebSettings).review_sign_in is not None
    report = report_json if as_json else Readable(terminal.out, sign_in=sign_in)
    raise typer.Exit(terminal.run(_up(report, emulate=with_emulator)))


async def _up(report: Report, *, emulate: bool) -> int:
    try:
        return await up(terminal.settings(), report, emulate=emulate)
    except LocalKafkaError as error:
        raise CommandError(str(error), Exit.CLUSTER) from error
    except NotReadyError as error:
        raise CommandError(str(error)) from error
