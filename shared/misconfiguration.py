"""What is wrong with settings, in lines for whoever set them. No line says what a setting holds."""

from collections.abc import Sequence
from typing import Final, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import SettingsError

from shared.settings import Settings

EXIT_CODE: Final = 2
"""How a service or a command ends whose settings are wrong."""

S = TypeVar("S", bound=Settings)


class MisconfigurationError(Exception):
    """Settings are wrong; each of the `objections` says which, and what it must be."""

    def __init__(self, *objections: str) -> None:
        super().__init__("\n".join(objections))
        self.objections = objections


def configured(kind: type[S]) -> S:
    """Read settings from the environment. Raises `MisconfigurationError`."""
    try:
        return kind()
    except ValidationError as error:
        raise MisconfigurationError(*(_objection(kind, each) for each in error.errors())) from None
    except SettingsError as error:  # a list or an object that is no JSON
        name = next((each for each in kind.model_fields if f'"{each}"' in str(error)), None)
        said = f"{error}: it" if name is None else f"setting {kind.variable(name)}: it"
        raise MisconfigurationError(f"{said} must be JSON") from None


def objections(kind: type[Settings]) -> Sequence[str]:
    """Return all that is wrong with the environment's settings of this kind, a line each."""
    try:
        configured(kind)
    except MisconfigurationError as error:
        return error.objections
    return ()


def _objection(kind: type[Settings], error: ErrorDetails) -> str:
    said = error["msg"].removeprefix("Value error, ")
    if not error["loc"]:  # of several settings together, which it names
        return said
    field = str(error["loc"][0])
    name = kind.variable(field) if field in kind.model_fields else field
    within = "".join(f", {part}" for part in error["loc"][1:])
    return f"setting {name}{within}: {said}"
