"""The contracts of pyproject.toml, each shown to fail when it is broken."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Give a copy of the source that may be spoilt."""
    for package in ("glideslope", "services", "shared"):
        shutil.copytree(
            ROOT / package,
            tmp_path / package,
            ignore=lambda folder, names: [
                name
                for name in names
                if not (name.endswith(".py") or (Path(folder) / name).is_dir())
                or name == "__pycache__"
            ],
        )
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("module", "imports", "broken"),
    [
        ("services/ingest/spoilt.py", "services.audit", "never import each other"),
        ("shared/spoilt.py", "services.audit", "shared imports no service"),
        ("services/audit/spoilt.py", "aiokafka", "knows no Kafka"),
        ("services/review/spoilt.py", "sqlalchemy", "no store"),
        ("services/audit/spoilt.py", "shared.delivery.engine", "knows no Kafka"),
        ("services/inference/spoilt.py", "qdrant_client", "no index"),
        ("services/inference/models/spoilt.py", "httpx2", "no provider of models"),
        ("services/inference/spoilt.py", "services.inference.adapters", "Only app.py wires"),
        ("services/ingest/spoilt.py", "services.ingest.app", "never imports its app.py"),
        ("glideslope/kafka/spoilt.py", "shared.settings", "broker knows nothing"),
    ],
)
def test_a_forbidden_import_fails_the_check(
    tree: Path, module: str, imports: str, broken: str
) -> None:
    (tree / module).write_text(f"import {imports}\n")
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=tree,
        capture_output=True,
        text=True,
        check=False,
        env={"COLUMNS": "200", "PYTHONPATH": str(tree)},
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert any(broken in line and "BROKEN" in line for line in done.stdout.splitlines()), (
        done.stdout
    )
