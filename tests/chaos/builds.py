"""A build of the project that differs: its events have a field more."""

import re
import shutil
from pathlib import Path
from typing import Final

FIELD: Final = "edition"
EDITION: Final = "next"
GAINED_BY: Final = ("RequestAccepted", "AnswerDrafted", "FeedbackAccepted", "Result")
"""The models that gain the field; `AnswerDrafted` hands it down to `AnswerChecked`."""


def next_build(folder: Path) -> Path:
    """Copy the source tree to `folder`, with an optional field more in its events; return it."""
    for package in ("glideslope", "services", "shared"):
        shutil.copytree(
            package, folder / package, ignore=shutil.ignore_patterns("__pycache__", "docs")
        )
    events = folder / "shared" / "events.py"
    text = events.read_text()
    for model in GAINED_BY:
        text, found = re.subn(
            rf'(class {model}\(\w+\):\n    """.*?"""\n)',
            rf'\1\n    {FIELD}: str | None = "{EDITION}"\n    """Which build wrote it."""\n',
            text,
            flags=re.DOTALL,
        )
        assert found == 1, f"{model} is not where it was in shared/events.py"
    events.write_text(text)
    return folder
