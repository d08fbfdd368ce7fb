"""`glideslope topics`: the pipeline's topics on the cluster."""

from typing import Annotated

import typer
from rich.table import Table

from glideslope import terminal
from glideslope.topics import TopicState, create_topics

app = typer.Typer(no_args_is_help=True, help="The pipeline's topics on the cluster.")


@app.callback()
def _topics() -> None:
    """Keep `create` a subcommand although it is the only one."""


@app.command()
def create(
    as_json: Annotated[bool, typer.Option("--json", help=terminal.JSON_HELP)] = False,
) -> None:
    """Create every topic that is missing and verify the others; repeat it as often as you like.

    There are GLIDESLOPE_PARTITIONS partitions of each, in GLIDESLOPE_REPLICATION_FACTOR copies; not
    set, three copies, or one on each broker where there are fewer. It also registers the built-in
    release. Exit code 3: the cluster cannot be reached, or a topic exists that the pipeline would
    go wrong on.
    """
    states = terminal.run(create_topics(terminal.cluster_settings()))
    if as_json:
        terminal.print_json(states)
    else:
        _show(states)


def _show(states: list[TopicState]) -> None:
    table = Table("topic", "", "partitions", "replicas")
    for state in states:
        table.add_row(
            state.name,
            "created" if state.created else "exists",
            str(state.partitions),
            str(state.replication_factor),
        )
    terminal.out.print(table)
    if any(state.created and state.replication_factor == 1 for state in states):
        terminal.out.print(
            "[yellow]note:[/] there is one copy of each record: what its broker loses is lost. "
            "Three brokers would keep three"
        )
    for state in states:
        for setting, (actual, wanted) in state.differences.items():
            terminal.out.print(
                f"[yellow]note:[/] {state.name} has {setting}={actual}; "
                f"created today it would have {wanted}. Left as it is."
            )
