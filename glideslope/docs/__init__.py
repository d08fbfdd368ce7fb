"""The generated part of `docs/`: contract, settings and metrics, written out from the code."""

from pathlib import Path

from glideslope.declarations import found
from glideslope.docs import access, asyncapi, contract, metrics, schemas, settings


def pages() -> dict[str, str]:
    """Return every generated file: its path inside `docs/`, and its text."""
    services = found()
    return {
        "access.md": access.page(),
        "asyncapi.json": asyncapi.page(services),
        "contract.html": contract.page(services),
        "metrics.md": metrics.page(),
        "settings.md": settings.page(services),
        **{f"schemas/{name}.json": text for name, text in schemas.pages().items()},
    }


def write(folder: Path) -> list[Path]:
    """Write the files that differ, delete schemas of events that are no more; return both."""
    wanted = {folder / name: text for name, text in pages().items()}
    changed = [path for path, text in wanted.items() if not _holds(path, text)]
    for path in changed:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(wanted[path], encoding="utf-8")
    gone = sorted(set((folder / "schemas").glob("*.json")) - set(wanted))
    for path in gone:
        path.unlink()
    return [*changed, *gone]


def _holds(path: Path, text: str) -> bool:
    return path.exists() and path.read_text(encoding="utf-8") == text
