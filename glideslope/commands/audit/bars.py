"""Progress while logs are checked."""

from collections.abc import Sequence

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from glideslope.audit.logs import Task, verify_all
from glideslope.audit.verification import Report
from glideslope.terminal import err


def verify_shown(tasks: Sequence[Task]) -> list[Report]:
    """Check each log, with a bar for each on standard error."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=err, transient=True) as bars:
        shown = [bars.add_task(f"log {task.place.name}", total=None) for task in tasks]

        def progress(place: int, done: int, size: int) -> None:
            bars.update(shown[place], completed=done, total=size or None)

        return verify_all(tasks, progress)
