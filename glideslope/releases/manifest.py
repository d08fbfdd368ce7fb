"""A release's manifest in a file: YAML 1.2, or JSON."""

import json
from collections.abc import Iterator, Mapping
from io import StringIO
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from glideslope.terminal import CommandError
from shared.release import BUILT_IN, Release

_YAML: Final = frozenset({".yaml", ".yml"})


def read(file: Path | None) -> Release:
    """Return the release of a file, or the built-in one.

    Raises `CommandError`, which names the file and every field that is wrong.
    """
    if file is None:
        return BUILT_IN
    try:
        data = file.read_bytes()
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}") from error
    return parse(data, file)


def parse(data: bytes, file: Path) -> Release:
    """Return the release that a file's content is. Raises `CommandError`, as `read` does."""
    found = _yaml(data, file) if file.suffix.lower() in _YAML else _json(data, file)
    if not isinstance(found, Mapping):
        raise CommandError(f"{file} is no release: it must be a mapping of fields to values")
    try:
        # by way of JSON: a date or a set of YAML's has no place in a manifest
        return Release.model_validate_json(json.dumps(found))
    except ValidationError as error:
        wrong = "; ".join(_told(error))
        raise CommandError(f"{file} is no release: {wrong}") from error
    except (TypeError, ValueError) as error:
        raise CommandError(f"{file} is no release: {error}") from error


def as_data(release: Release) -> dict[str, Any]:
    """Return a manifest as its name is made from it: without what is not set."""
    return release.model_dump(mode="json", exclude_none=True)


def as_yaml(release: Release) -> str:
    """Return a manifest as a file that makes the same release."""
    writer, text = YAML(), StringIO()
    writer.indent(mapping=2, sequence=4, offset=2)
    writer.dump(as_data(release), text)
    return text.getvalue()


def differences(one: Release, other: Release) -> dict[str, tuple[Any, Any]]:
    """Return each field that differs, by its path, with both values; None is not set."""
    first, second = dict(_fields(as_data(one))), dict(_fields(as_data(other)))
    return {
        path: (first.get(path), second.get(path))
        for path in {**first, **second}
        if first.get(path) != second.get(path)
    }


def _fields(data: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in data.items():
        if isinstance(value, Mapping):
            yield from _fields(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _yaml(data: bytes, file: Path) -> Any:
    try:
        return YAML(typ="safe", pure=True).load(data)
    except MarkedYAMLError as error:  # a key that stands twice is one, too
        line = "" if error.problem_mark is None else f", line {error.problem_mark.line + 1}"
        raise CommandError(f"{file}{line}, is no YAML: {error.problem}") from error
    except (YAMLError, UnicodeDecodeError) as error:
        raise CommandError(f"{file} is no YAML: {error}") from error


def _json(data: bytes, file: Path) -> Any:
    try:
        return json.loads(data)
    except ValueError as error:
        raise CommandError(f"{file} is no JSON: {error}") from error


def _told(error: ValidationError) -> Iterator[str]:
    for each in error.errors(include_url=False, include_input=False):
        place = ".".join(map(str, each["loc"])) or "the manifest"
        yield f"{place}: {each['msg']}"
