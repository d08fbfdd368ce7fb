"""The environment variables of all parts: by them a part alone knows one that is misspelt."""

import difflib
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Final

PREFIX: Final = "GLIDESLOPE_"
LIST: Final = Path(__file__).with_suffix(".txt")
"""Their names, a line each, as `make docs` writes them from the settings classes."""


@cache
def known() -> frozenset[str]:
    """Return every `GLIDESLOPE_…` variable that something reads."""
    lines = LIST.read_text(encoding="utf-8").splitlines()
    return frozenset(line for line in lines if line.startswith(PREFIX))


def unknown(environment: Iterable[str]) -> Mapping[str, str | None]:
    """Return the `GLIDESLOPE_…` variables that nothing reads, each with the name that is nearest.

    None stands where no name is near.
    """
    ours = {name for name in environment if name.upper().startswith(PREFIX)}
    return {name: _nearest(name) for name in sorted(ours) if name.upper() not in known()}


def warnings(environment: Iterable[str]) -> list[str]:
    """Return a line for each variable that is `unknown`: it is misspelt, or of no use."""
    return [
        f"{name} is no setting and changes nothing: "
        f"{'unset it.' if near is None else f'is it {near}?'} See docs/settings.md"
        for name, near in unknown(environment).items()
    ]


def _nearest(name: str) -> str | None:
    """Return the known name that is most like this one; that all of them are ours says nothing."""
    ends = [each.removeprefix(PREFIX) for each in sorted(known())]
    near = difflib.get_close_matches(name.upper().removeprefix(PREFIX), ends, n=1)
    return f"{PREFIX}{near[0]}" if near else None
