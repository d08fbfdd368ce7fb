"""Holds the quality of what ships against committed floors: `make gate`; ends with 1 under one.

floors.toml says what is measured, by which command, and how good each figure must be. All that a
command prints, or its last line, is JSON; a figure is named by its way through it. What needs
public data is measured where GLIDESLOPE_BENCH_DATA (`../shared/data`) is there, and named as not
measured where it is not; with `GATE=complete` that fails as well. RELEASE is the manifest of the
release that is held to the floors, else the built-in one.
"""

import json
import operator
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field
from rich.console import Console
from rich.table import Table

FLOORS: Final = Path(__file__).with_name("floors.toml")
DATA: Final = Path(os.environ.get("GLIDESLOPE_BENCH_DATA") or "../shared/data")
BUILT_IN: Final = "releases/built-in.yaml"
_KINDS: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "at least": operator.ge,
    "at most": operator.le,
}


class Measure(BaseModel):
    """A command and how good its figures must be."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    command: tuple[str, ...] = Field(min_length=1)
    """Its words; `{data}` is the folder of the public data, `{release}` the manifest to measure."""
    needs_data: bool = False
    at_least: Mapping[str, float] = {}
    at_most: Mapping[str, float] = {}

    def limits(self) -> Iterator[tuple[str, str, float]]:
        """Return each figure, whether it is at least or at most, and the floor."""
        for kind, limits in (("at least", self.at_least), ("at most", self.at_most)):
            for figure, limit in limits.items():
                yield figure, kind, limit


@dataclass(frozen=True, slots=True)
class Held:
    """A figure beside its floor. `value` None: the command did not print it."""

    measure: str
    figure: str
    value: float | None
    kind: str
    floor: float

    @property
    def passed(self) -> bool:
        """Say whether it is as good as it must be; a figure that is missing or no number is not."""
        return self.value is not None and _KINDS[self.kind](self.value, self.floor)


class MeasureError(Exception):
    """A command failed or printed no JSON, so nothing is known of its figures."""


def read(file: Path = FLOORS) -> list[Measure]:
    """Read the floors.

    Raises:
        ValueError: they are not of their form, or a measure has none.
    """
    found = [Measure.model_validate(each) for each in tomllib.loads(file.read_text())["measure"]]
    if without := [each.name for each in found if not list(each.limits())]:
        raise ValueError(f"{file}: these measure something and have no floor: {without}")
    return found


def value(printed: Any, figure: str) -> float | None:
    """Return a figure by its way: `a/b` is b of a; in a list, a is the object of that name."""
    for step in figure.split("/"):
        if isinstance(printed, list):
            printed = next((each for each in printed if each.get("name") == step), None)
        else:
            printed = printed.get(step) if isinstance(printed, Mapping) else None
    is_number = isinstance(printed, int | float) and not isinstance(printed, bool)
    return float(printed) if is_number else None


def hold(measure: Measure, printed: Any) -> list[Held]:
    """Hold what a command printed against its floors."""
    return [
        Held(measure.name, figure, value(printed, figure), kind, floor)
        for figure, kind, floor in measure.limits()
    ]


def run(measure: Measure) -> Any:
    """Return what a measure's command prints.

    Raises:
        MeasureError: it failed, or that is no JSON.
    """
    release = os.environ.get("RELEASE") or BUILT_IN
    program, *words = (
        word.replace("{data}", str(DATA)).replace("{release}", release) for word in measure.command
    )
    own = Path(sys.executable).parent / program
    found = str(own) if own.exists() else shutil.which(program)
    if found is None:
        raise MeasureError(f"{program} is not on this machine")
    environment = {**os.environ, "GLIDESLOPE_BENCH_DATA": str(DATA)}
    done = subprocess.run(  # noqa: S603 - a command of floors.toml
        (found, *words), check=False, stdout=subprocess.PIPE, text=True, env=environment
    )
    if done.returncode:
        raise MeasureError(f"{' '.join(measure.command)} ended with {done.returncode}")
    for text in (done.stdout, done.stdout.strip().rpartition("\n")[2]):
        try:
            return json.loads(text)
        except ValueError:
            continue
    raise MeasureError(f"{' '.join(measure.command)} printed no JSON at its end")


def main() -> None:
    """Measure, print each figure beside its floor, and end with 1 where one is not good enough."""
    release = os.environ.get("RELEASE")
    if release and not Path(release).is_file():
        print(f"error: there is no manifest {release}: name a file, such as {BUILT_IN}")  # noqa: T201 - its output
        sys.exit(2)
    held, missing, broken = [], [], []
    for measure in read():
        if measure.needs_data and not DATA.is_dir():
            missing.append(measure.name)
            continue
        try:
            held += hold(measure, run(measure))
        except MeasureError as error:
            broken.append(f"{measure.name}: {error}")
    _show(held)
    for each in broken:
        print(f"FAILED: {each}")  # noqa: T201 - its output
    if missing:
        print(f"NOT MEASURED: {', '.join(missing)}; no data at {DATA} (GLIDESLOPE_BENCH_DATA)")  # noqa: T201 - as above
    passed = all(each.passed for each in held) and not broken
    complete = not missing or os.environ.get("GATE") != "complete"
    figures = {f"{each.measure}/{each.figure}": each.value for each in held}
    print(json.dumps({"passed": passed and complete, "not_measured": missing, "figures": figures}))  # noqa: T201 - as above
    sys.exit(0 if passed and complete else 1)


def _show(held: list[Held]) -> None:
    table = Table("measure", "figure", "is", "must be", "")
    for each in held:
        shown = "missing" if each.value is None else f"{each.value:.3f}"
        must = f"{each.kind} {each.floor:g}"
        verdict = "" if each.passed else "[bold]NOT GOOD ENOUGH[/bold]"
        table.add_row(each.measure, each.figure, shown, must, verdict)
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
