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
from glideslope.terminal import CommandError, Exit, err, out, plain
from shared.settings import Settings

if TYPE_CHECKING:
    from glideslope.releases.comparison import Comparison
    from glideslope.releases.trial import Question


def command(  # noqa: PLR0913, PLR0917 - options of a command line
    one: Annotated[str, typer.Argument(metavar="A", help="A name, or digits of a hash.")],
    other: Annotated[str, typer.Argument(metavar="B", help="Another.")],
    sets: Annotated[
        list[Path] | None,
        typer.Option(
            "--eval",
            help="Labelled answers as `glideslope eval run` takes them, for both to judge; or "
            "questions (rows as on the topic `requests`), for both to answer now, in shadow. "
            "Repeatable.",
        ),
    ] = None,
    patience: Annotated[
        float,
        typer.Option(min=1, help="Seconds without any answer after which no more is waited for."),
    ] = 300.0,
    days: Annotated[
        float, typer.Option(min=0.001, help="How many days of requests are looked at.")
    ] = 7.0,
    as_json: Json = False,
) -> None:
    """Say of each measure whether B is better than A, worse, or nobody can say.

    Of requests that each answered while both did (a canary), of the same requests where one ran in
    shadow, of labelled answers, and of questions that both answer now. All that is said of one
    kind of data holds with 95 % confidence together. Exit codes: 0 B is worse in nothing; 1 it is
    in something.
    """
    since = datetime.now(UTC) - timedelta(days=days)
    comparisons, undecided = run(
        _compared((one, other), sets or [], since, patience, terminal.cluster_settings())
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
    names: tuple[str, str],
    sets: list[Path],
    since: datetime,
    patience: float,
    settings: Settings,
) -> "tuple[list[Comparison], tuple[int, int]]":
    try:
        from glideslope.releases import comparison  # noqa: PLC0415 - the help must not wait for it
    except ModuleNotFoundError as error:
        raise CommandError(f"{error.name} is missing: install glideslope[evals]") from error
    labelled, asked = _sorted(sets, settings)
    known = await registry.load(settings)
    a, b = map(known.find, names)
    outcomes = await _outcomes(settings, since)
    live = comparison.compare(list(outcomes.live(a.release)), list(outcomes.live(b.release)))
    pairs = list(outcomes.pairs(a.release, b.release))
    found = [live]
    if pairs:
        groups = [first.conversation for first, _ in pairs]
        found.append(comparison.compare_pairs("shadow", pairs, groups, comparison.COPIES))
    if asked:
        answered = await _answered(asked, a.release, b.release, patience, settings)
        groups = [asked[number].group for number, *_ in answered]
        both = [(first, second) for _, first, second in answered]
        found.append(comparison.compare_pairs("asked", both, groups, comparison.COPIES))
    if labelled:
        judged = list(_judged(labelled, a, b))
        groups = [first.example.group for first, _ in judged]
        found.append(comparison.compare_pairs("eval", judged, groups, comparison.LABELLED))
    undecided = outcomes.undecided()
    return found, (undecided[a.release], undecided[b.release])


def _sorted(sets: list[Path], settings: Settings) -> "tuple[list[Path], list[Question]]":
    """Return the files with labelled answers, and the questions of the others."""
    from evals.sets import SetError  # noqa: PLC0415 - the help must not wait for it
    from glideslope.releases import trial  # noqa: PLC0415 - as above

    try:
        questions = [path for path in sets if trial.are_questions(path)]
        labelled = [path for path in sets if path not in questions]
        return labelled, [each for path in questions for each in trial.load(path, settings)]
    except OSError as error:
        raise CommandError(f"{error.filename} cannot be read: {error.strerror}") from error
    except SetError as error:
        raise CommandError(str(error)) from error


async def _answered(
    questions: "list[Question]", one: str, other: str, patience: float, settings: Settings
) -> list[tuple[int, Any, Any]]:
    """Have both answer the questions; return the numbers of those that both have."""
    from glideslope.releases import trial  # noqa: PLC0415 - the help must not wait for it

    of = 2 * len(questions)
    with err.status(f"0 of {of:,} answers") as status:
        tried = await trial.tried(
            settings,
            questions,
            list(dict.fromkeys((one, other))),
            patience=patience,
            progressed=lambda done: status.update(f"{done:,} of {of:,} answers"),
        )
    found = tried.pairs(one, other)
    if not found:
        raise CommandError(
            f"no question was answered by both in {patience:g} s: see with `glideslope status` "
            "whether inference and validator run and keep up"
        )
    if missing := len(questions) - len(found):
        err.print(f"{missing:,} questions were not answered by both, and are in no figure")
    return found


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
        "asked": "questions of the set, answered by both in shadow just now",
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
