"""The contracts of pyproject.toml, each shown to fail at an import that breaks it."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


SPOILT = [
    ("services/ingest/siblings.py", "services.audit", "never import each other"),
    ("shared/upwards.py", "services.audit", "shared imports no service"),
    ("services/audit/kafka.py", "aiokafka", "knows no Kafka"),
    ("services/review/store.py", "sqlalchemy", "no store"),
    ("services/audit/engine.py", "shared.delivery.engine", "knows no Kafka"),
    ("services/inference/index_.py", "qdrant_client", "no index"),
    ("services/inference/models/provider.py", "httpx2", "no provider of models"),
    ("services/inference/wiring.py", "services.inference.adapters", "Only app.py wires"),
    ("services/ingest/entry_point.py", "services.ingest.app", "never imports its app.py"),
    ("glideslope/kafka/pipeline.py", "shared.settings", "broker knows nothing"),
]
"""A new module, what it imports, and words of the name of the contract that forbids it."""


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Give what the check says of a copy of the source with all of these modules in it."""
    tree = tmp_path_factory.mktemp("spoilt")
    for package in ("glideslope", "services", "shared"):
        shutil.copytree(
            ROOT / package,
            tree / package,
            ignore=lambda folder, names: [
                name
                for name in names
                if not (name.endswith(".py") or (Path(folder) / name).is_dir())
                or name == "__pycache__"
            ],
        )
    shutil.copy(ROOT / "pyproject.toml", tree)
    for module, imports, _ in SPOILT:
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
    return done.stdout


@pytest.mark.parametrize(("module", "imports", "broken"), SPOILT)
def test_a_forbidden_import_fails_the_check(
    found: str, module: str, imports: str, broken: str
) -> None:
    broken_ones = found.partition("\nBroken contracts\n")[2]
    # what is above the first, title, text, title …
    sections = re.split(r"\n(.+)\n-+\n", broken_ones)
    (text,) = [
        text for title, text in zip(sections[1::2], sections[2::2], strict=True) if broken in title
    ]
    assert f"{module.removesuffix('.py').replace('/', '.')} -> {imports}" in text, found
