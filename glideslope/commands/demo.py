"""`glideslope demo`: the whole pipeline on sample documents, checked."""

import asyncio
import os

import typer

from glideslope import terminal, variables
from glideslope.child import ServiceDiedError
from glideslope.demo.play import DemoFailedError
from glideslope.demo.play import demo as play
from glideslope.demo.show import console
from glideslope.interruption import INTERRUPTED
from glideslope.kafka import LocalKafkaError
from glideslope.supervisor import NotReadyError
from glideslope.terminal import CommandError, Exit


def command() -> None:
    """Start everything, index sample documents, ask thirteen questions, and check each one's end.

    It needs nothing but one way to a Kafka, and leaves its logs in GLIDESLOPE_HOME/demo. With
    DEMO_KEEP=1 everything stays up until Ctrl-C, and the reviewers' page is named. Exit code 0 only
    if every request ended exactly once and as it must.
    """
    terminal.must_suit(variables.kinds())
    raise typer.Exit(terminal.run(_demo()))


async def _demo() -> int:
    try:
        await play(terminal.settings(), console(), keep=os.environ.get("DEMO_KEEP") == "1")
    except LocalKafkaError as error:
        raise CommandError(str(error), Exit.CLUSTER) from error
    except (DemoFailedError, NotReadyError, ServiceDiedError) as error:
        raise CommandError(str(error)) from error
    except asyncio.CancelledError:
        return INTERRUPTED
    return Exit.OK
