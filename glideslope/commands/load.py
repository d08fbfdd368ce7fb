"""`glideslope load`: requests at a steady rate, and what became of each."""

import asyncio
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from glideslope import terminal
from glideslope.load import mix as mixes
from glideslope.load.generator import Generator
from glideslope.load.mix import Mix, MixError
from glideslope.load.pace import Arrivals, Pace
from glideslope.terminal import CommandError, Exit, err, out

if TYPE_CHECKING:
    from glideslope.load.figures import Figures

_SHOWN_EVERY_SECONDS = 0.25


def command(  # noqa: PLR0913, PLR0917 - a load has this many knobs, and typer wants them so
    rate: Annotated[float, typer.Option(help="Requests a second.", min=0.01)] = 50.0,
    seconds: Annotated[
        float, typer.Option("--for", help="Seconds that are measured.", min=1)
    ] = 60.0,
    mix: Annotated[
        Path | None,
        typer.Option(
            help="What is asked, JSON Lines: the data of a request on each, with `weight`, "
            "`tenant` and `conversation` if you like. Not set: the demo's questions, each with "
            "what answers it.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    warm_up: Annotated[
        float, typer.Option(help="Seconds at the same rate before that, not measured.", min=0)
    ] = 5.0,
    arrivals: Annotated[
        Arrivals, typer.Option(help="`even`, or at random moments, as of many senders.")
    ] = "even",
    patience: Annotated[
        float, typer.Option(help="Seconds to wait for ends after the last request.", min=0)
    ] = 60.0,
    seed: Annotated[int, typer.Option(help="Repeats what is drawn of the mix, and when.")] = 0,
    report: Annotated[
        Path | None, typer.Option(help="Write a page with plots here (HTML, self-contained).")
    ] = None,
    hgrm: Annotated[
        Path | None, typer.Option(help="Write the latencies here, in HdrHistogram's text format.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help=terminal.JSON_HELP)] = False,
) -> None:
    """Send requests at a steady rate, whatever becomes of earlier ones, and account for each.

    A latency counts from the moment a request was due, so that neither a slow pipeline nor a slow
    generator hides waiting. What waits for a person is `reviewed`, which is as far as load goes.
    Load is real work: its requests are answered, logged by audit, and paid for. Ctrl-C ends it
    early and waits for the ends of what was sent; a second one waits for nothing.

    Exit codes: 0 every request has exactly one end; 1 one has none, or two, or the brokers did not
    take it; 2 wrong usage; 3 the cluster cannot be worked with; 7 some became dead letters; 8 the
    generator fell behind its own pace, so the latencies say more of its machine than of the
    pipeline.
    """
    with terminal.told():
        asked = _mix(mix)
        _must_be_writable(report, hgrm)
        found = _run(Pace(rate, seconds, warm_up, arrivals, seed), asked, patience)
    if as_json:
        terminal.print_json(found.as_json())
    else:
        _show(found)
    code = _complain(found)
    with terminal.told():  # after what was measured is told: a full disk must not lose it
        _write(found, report, hgrm)
    raise typer.Exit(code)


def _mix(path: Path | None) -> Mix:
    try:
        return mixes.built_in() if path is None else mixes.read(path)
    except MixError as error:
        raise CommandError(str(error), Exit.USAGE) from error


def _must_be_writable(*files: Path | None) -> None:
    """Refuse what could not be written, before a load is sent that somebody pays for."""
    for file in filter(None, files):
        if file.is_dir():
            raise CommandError(f"{file} is a folder: name a file in it", Exit.USAGE)
        if not os.access(file if file.exists() else file.parent, os.W_OK):
            raise CommandError(
                f"{file} cannot be written: see that there is a folder {file.parent} that you may "
                "write to, or name another file",
                Exit.USAGE,
            )


def _run(pace: Pace, mix: Mix, patience: float) -> "Figures":
    try:
        from glideslope.load.figures import summarise  # noqa: PLC0415 - an extra of the package
    except ModuleNotFoundError as error:
        raise CommandError(f"{error.name} is missing: install glideslope[load]") from error
    generator = Generator(pace, mix, terminal.cluster_settings())
    terminal.run(_watched(generator, pace, patience))
    return summarise(generator.outcomes, pace, mix.name)


async def _watched(generator: Generator, pace: Pace, patience: float) -> None:
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[said]}"),
        console=err,
        transient=True,
    ) as progress:
        bar = progress.add_task("load", total=pace.duration, said="")
        running = asyncio.create_task(generator.run(patience))

        def interrupt() -> None:
            if generator.is_stopped:
                running.cancel()
            generator.stop()

        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, interrupt)
        while not running.done():
            progress.update(
                bar,
                completed=min(generator.elapsed(), pace.duration),
                description=_stage(generator, pace),
                said=_said(generator),
            )
            await asyncio.wait({running}, timeout=_SHOWN_EVERY_SECONDS)
        try:
            await running
        except asyncio.CancelledError:
            raise typer.Exit(128 + signal.SIGINT) from None


def _stage(generator: Generator, pace: Pace) -> str:
    if generator.is_stopped or generator.elapsed() >= pace.duration:
        return "waiting for ends"
    return "warm-up" if generator.elapsed() < pace.warm_up else "measuring"


def _said(generator: Generator) -> str:
    outcomes = generator.outcomes
    recent = sorted(outcomes.recent)
    latency = (
        f"p50 {recent[len(recent) // 2] * 1000:.0f} ms, "
        f"p99 {recent[int(len(recent) * 0.99)] * 1000:.0f} ms"
        if recent
        else "no end yet"
    )
    return f"{len(outcomes):,} sent, {outcomes.open:,} open, {latency}"


def _write(found: "Figures", report: Path | None, hgrm: Path | None) -> None:
    try:
        if report is not None:
            from glideslope.load.report import write  # noqa: PLC0415 - an extra of the package

            write(found, report)
        if hgrm is not None:
            found.write_hgrm(hgrm)
    except ModuleNotFoundError as error:
        raise CommandError(f"{error.name} is missing: install glideslope[load]") from error
    except OSError as error:
        raise CommandError(f"{error.filename} cannot be written: {error.strerror}") from error


def _show(found: "Figures") -> None:
    from glideslope.load.figures import percentiles  # noqa: PLC0415 - an extra of the package

    table = Table("end", "requests", "p50 ms", "p90", "p95", "p99", "p99.9", "max", box=None)
    everything = {"all that is measured": found.latency, **found.by_end}
    for end, each in everything.items():
        values = [f"{value:,.1f}" for value in percentiles(each).values()]
        table.add_row(end.replace("_", " "), f"{each.get_total_count():,}", *values)
    out.print(table)
    ends = ", ".join(f"{count:,} {end.replace('_', ' ')}" for end, count in found.counts.items())
    out.print(Text(f"{found.sent:,} sent, warm-up included: {ends or 'none has ended'}"))
    out.print(
        Text(
            f"a second: {found.asked_rate:g} asked, {found.sent_rate:.1f} sent, "
            f"{found.ended_rate:.1f} ended"
        )
    )


def _complain(found: "Figures") -> Exit:
    """Say what is wrong, and return the exit code of the worst of it."""
    code = Exit.OK
    if found.is_behind:
        late = found.lag.get_value_at_percentile(99.0) / 1000
        terminal.complain(
            f"the generator fell behind its own pace: one request in a hundred left {late:.0f} ms "
            "late or later. The latencies count that and are too high: give the generator a "
            "machine of its own, or ask for a lower --rate"
        )
        code = Exit.BEHIND
    if letters := found.counts.get("dead_letter", 0):
        terminal.complain(f"{letters:,} became dead letters: see `glideslope dlq list`")
        code = Exit.DEAD_LETTER
    for count, what in (
        (found.undelivered, "were not confirmed by the brokers: see that they are up"),
        (found.doubled, "ends are one too many: see `glideslope status`"),
        (
            found.lost,
            "have no end yet: `glideslope status` says whether they are lost or late",
        ),
    ):
        if count:
            terminal.complain(f"{count:,} {what}")
            code = Exit.FAILED
    return code
