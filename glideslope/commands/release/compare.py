"""`glideslope release compare`: whether one release is better than another, or nobody can say."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Column, Table
from rich.text import Text

from glideslope import cluster, terminal
from glideslope.commands.release.options import Json, run
from glideslope.releases import registry
from glideslope.releases.outcomes import READ, Outcomes
from glideslope.releases.registry import Registered
from glideslope.terminal import CommandError, Exit, out, plain
from shared.settings import Settings

if TYPE_CHECKING:
    from glideslope.releases.comparison import Comparison


def command(
    one: Annotated[str, typer.Argument(metavar="A", help="A name, or digits of a hash.")],
    other: Annotated[str, typer.Argument(metavar="B", help="Another.")],
    sets: Annotated[
        list[Path] | None,
        typer.Option(
            "--eval", help="Labelled answers as `glideslope eval run` takes them. Repeatable."
        ),
    ] = None,
    days: Annotated[
        float, typer.Option(min=0.001, help="How many days of requests are looked at.")
    ] = 7.0,
    as_json: Json = False,
) -> None:
    """Say of each measure whether B is better than A, worse, or nobody can say.

    Of requests that each answered while both did (a canary), of the same requests where one ran in
    shadow, and of labelled answers. All that is said of one kind of data holds with 95 %
    confidence together. Exit codes: 0 B is worse in nothing; 1 it is in something.
    """
    since = datetime.now(UTC) - timedelta(days=days)
    comparisons, undecided = run(
        _compared(one, other, sets or [], since, terminal.cluster_settings())
    )
    from evals.comparison import Outcome as Verdict  # noqa: PLC0415 - the help must not wait for it
    from glideslope.releases.comparison import overall  # noqa: PLC0415 - as above

    outcome = overall(each.outcome for each in comparisons)
    if as_json:
        terminal.print_json(
            {
                "outcome": outcome.value,
                "comparisons": [each.as_data() for each in comparisons],
                "undecided": dict(zip("ab", undecided, strict=True)),
            }
        )
    else:
        for each in comparisons:
            _show(each)
        out.print(f"on their way, and in no figure: {undecided[0]:,} of A, {undecided[1]:,} of B")
        out.print(Text(f"B is {outcome.value}" if outcome is not Verdict.INCONCLUSIVE else outcome))
    if any(d.outcome is Verdict.WORSE for each in comparisons for d in each.differences):
        raise typer.Exit(Exit.FAILED)


async def _compared(
    one: str, other: str, sets: list[Path], since: datetime, settings: Settings
) -> "tuple[list[Comparison], tuple[int, int]]":
    try:
        from glideslope.releases import comparison  # noqa: PLC0415 - the help must not wait for it
    except ModuleNotFoundError as error:
        raise CommandError(f"{error.name} is missing: install glideslope[evals]") from error
    known = await registry.load(settings)
    a, b = known.find(one), known.find(other)
    outcomes = await _outcomes(settings, since)
    live = comparison.compare(list(outcomes.live(a.release)), list(outcomes.live(b.release)))
    pairs = list(outcomes.pairs(a.release, b.release))
    found = [live]
    if pairs:
        groups = [first.conversation for first, _ in pairs]
        found.append(comparison.compare_pairs("shadow", pairs, groups, comparison.LIVE))
    if sets:
        judged = list(_judged(sets, a, b))
        groups = [first.example.group for first, _ in judged]
        found.append(comparison.compare_pairs("eval", judged, groups, comparison.LABELLED))
    undecided = outcomes.undecided()
    return found, (undecided[a.release], undecided[b.release])


async def _outcomes(settings: Settings, since: datetime) -> Outcomes:
    outcomes = Outcomes(settings)
    async with cluster.reader(settings, *READ) as reader:
        await reader.start_since(since)
        async for topic, record in reader.to_end():
            outcomes.add(topic, record)
    return outcomes


def _judged(sets: Iterable[Path], a: Registered, b: Registered) -> Iterator[tuple[Any, Any]]:
    from evals import judging  # noqa: PLC0415 - the help must not wait for it
    from evals import sets as labelled  # noqa: PLC0415 - as above

    try:
        examples = [example for path in sets for example in labelled.load(path)]
    except OSError as error:
        raise CommandError(f"{error.filename} cannot be read: {error.strerror}") from error
    except labelled.SetError as error:
        raise CommandError(str(error)) from error
    first, second = (judging.judge(examples, each.manifest) for each in (a, b))
    return zip(first, second, strict=True)


def _show(found: "Comparison") -> None:
    what = {
        "live": "requests that each answered while both did",
        "shadow": "the same requests, answered by one and run by the other in shadow",
        "eval": "labelled answers",
    }[found.source]
    out.print(
        Text(f"{what}: {found.requests_a:,} of A, {found.requests_b:,} of B", style="cyan"),
        soft_wrap=True,
    )
    right = (Column(each, justify="right") for each in ("A", "B", "B - A", "between"))
    table = Table("measure", *right, "", box=None)
    for each in found.differences:
        table.add_row(
            each.measure,
            _figure(each.a),
            _figure(each.b),
            "" if each.interval is None else f"{each.interval.value:+.4g}",
            ""
            if each.interval is None
            else f"{each.interval.low:+.4g} and {each.interval.high:+.4g}",
            Text(plain(f"{each.outcome.value}{f': {each.why}' if each.why else ''}")),
        )
    out.print(table)


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"
