"""The Terraform modules as a test sees them: parsed, and as the page that each has of itself.

`python -m tests.terraform.modules` writes the README of every module anew.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import hcl2

ROOT: Final = Path(__file__).parents[2] / "deploy" / "terraform"
_MARK: Final = "__is_block__"


@cache
def folders() -> tuple[Path, ...]:
    """Return every folder with a module or an example."""
    return tuple(
        sorted({path.parent for path in ROOT.rglob("*.tf") if ".terraform" not in path.parts})
    )


@cache
def parsed(folder: Path) -> Mapping[str, list[Any]]:
    """Return what stands in a folder's files, by kind of block."""
    found: dict[str, list[Any]] = {}
    for path in sorted(folder.glob("*.tf")):
        with path.open(encoding="utf-8") as file:
            for kind, blocks in hcl2.load(file).items():
                if isinstance(blocks, list):
                    found.setdefault(kind, []).extend(plain(blocks))
    return found


def plain(value: Any) -> Any:
    """Return what the parser found without its marks, strings without their quotes."""
    if isinstance(value, str):
        return value[1:-1] if len(value) > 1 and value[0] == value[-1] == '"' else value
    if isinstance(value, list):
        return [plain(each) for each in value]
    if isinstance(value, dict):
        return {plain(key): plain(each) for key, each in value.items() if key != _MARK}
    return value


def named(folder: Path, kind: str) -> dict[str, Any]:
    """Return a folder's variables, outputs or modules by name."""
    return {name: each for block in parsed(folder).get(kind, ()) for name, each in block.items()}


def resources(folder: Path, type_: str) -> dict[str, Any]:
    """Return a folder's resources of one type, by name."""
    return {
        name: each
        for block in parsed(folder).get("resource", ())
        for name, each in block.get(type_, {}).items()
    }


def readme(folder: Path) -> str:
    """Return a module's page: what it is, what it takes, and what it tells."""
    lines = (folder / "main.tf").read_text(encoding="utf-8").splitlines()
    about = " ".join(_comment(lines))
    rows = [f"# {folder.name}", "", about, ""]
    rows += ["| variable | type | default | meaning |", "|---|---|---|---|"]
    for name, each in sorted(named(folder, "variable").items()):
        default = f"`{_short(each['default'])}`" if "default" in each else "required"
        rows.append(f"| `{name}` | `{_type(each)}` | {default} | {each['description']} |")
    rows += ["", "| output | meaning |", "|---|---|"]
    for name, each in sorted(named(folder, "output").items()):
        rows.append(f"| `{name}` | {each['description']} |")
    return "\n".join([*rows, "", "Made from the code by `make docs`.", ""])


def _comment(lines: list[str]) -> Iterator[str]:
    for line in lines:
        if not line.startswith("#"):
            return
        yield line.removeprefix("#").strip()


def _type(variable: Mapping[str, Any]) -> str:
    return str(variable["type"]).removeprefix("${").removesuffix("}")


def _short(default: Any) -> str:
    if default is None or default == "null":
        return "null"
    if isinstance(default, bool):
        return str(default).lower()
    if isinstance(default, list):
        return "[" + ", ".join(map(_short, default)) + "]"
    if isinstance(default, dict):
        return "{" + ", ".join(f"{key} = {_short(each)}" for key, each in default.items()) + "}"
    return f'"{default}"' if isinstance(default, str) else str(default)


def write() -> None:
    """Write every README anew."""
    for folder in folders():
        (folder / "README.md").write_text(readme(folder), encoding="utf-8")


if __name__ == "__main__":
    write()
