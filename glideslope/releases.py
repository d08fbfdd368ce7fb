"""A release's manifest from a file."""

from pathlib import Path

from pydantic import ValidationError

from glideslope.terminal import CommandError
from shared.release import BUILT_IN, Release


def read(file: Path | None) -> Release:
    """Return the release of a file, or the built-in one. Raises `CommandError`."""
    if file is None:
        return BUILT_IN
    try:
        return Release.model_validate_json(file.read_bytes())
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise CommandError(f"{file} is no release: {place}: {first['msg']}") from error
