"""`glideslope size`: what a deployment needs for so many questions a day."""

from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from glideslope import terminal
from glideslope.sizing import Demand, Rules, Size
from glideslope.terminal import out


def command(  # noqa: PLR0913, PLR0917 - a demand has this many parts, and typer wants them so
    questions: Annotated[float, typer.Argument(help="Questions a day.", min=1)],
    peak: Annotated[
        float, typer.Option(help="The busiest minute's rate over the day's average.", min=1)
    ] = 10.0,
    model_seconds: Annotated[
        float, typer.Option(help="How long a model takes; 0: the extractive one.", min=0)
    ] = 2.0,
    model_usd: Annotated[
        float, typer.Option(help="What a model takes for an answer, US dollars.", min=0)
    ] = 0.0,
    audit_years: Annotated[
        float, typer.Option(help="How long the audit log is kept.", min=0)
    ] = 7.0,
    passages_kib: Annotated[
        float, typer.Option(help="What is retrieved for a question, KiB.", min=0)
    ] = 10.0,
    slots: Annotated[int, typer.Option(help="GLIDESLOPE_MAX_IN_FLIGHT of inference.", min=1)] = 32,
    as_json: Annotated[bool, typer.Option("--json", help=terminal.JSON_HELP)] = False,
) -> None:
    """Work out processes, partitions, brokers and dollars a month, and show the arithmetic.

    What a request takes was measured on one small machine (`make bench-scale`); all else is
    calculated and has not been measured. docs/sizing.md says how to measure on yours.
    """
    demand = Demand(questions, peak, model_seconds, model_usd, audit_years, passages_kib)
    found = Size(demand, rules=Rules(slots=slots))
    if as_json:
        told = ("peak", "replicas", "partitions", "brokers", "topics_gb", "audit_gb", "dollars")
        terminal.print_json(
            {**{name: getattr(found, name) for name in told}, "steps": list(found.steps())}
        )
        return
    for step in found.steps():
        out.print(Text(step, style="dim"))
    processes = ", ".join(f"{name} {count}" for name, count in found.replicas.items())
    out.print(f"processes   {processes}")
    out.print(f"partitions  {found.partitions} of each topic")
    out.print(f"brokers     {found.brokers}")
    out.print(f"storage     topics {found.topics_gb:,.0f} GB, audit log {found.audit_gb:,.0f} GB")
    bill = Table("a month, AWS list prices", "US dollars", box=None)
    for part, usd in found.dollars.items():
        bill.add_row(part, f"{usd:,.0f}")
    bill.add_row("together", f"{found.total:,.0f}", style="bold")
    out.print(bill)
