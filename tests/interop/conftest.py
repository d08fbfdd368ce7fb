"""Logs that the audit service's own store wrote, batch by batch."""

from collections.abc import Callable
from pathlib import Path

import pytest

from services.audit.adapters.keys import LocalKeys
from services.audit.adapters.stores import open_store
from services.audit.entry import Entry, Position

ORIGIN = "glideslope/0"
WriteLog = Callable[..., tuple[Path, str]]


@pytest.fixture(scope="session")
def interop() -> Path:
    """Where `make interop` puts the verifiers that others wrote (see `tools.py`)."""
    return Path(__file__).parents[2] / ".venv" / "interop"


@pytest.fixture
def write_log(tmp_path: Path) -> WriteLog:
    """Return a function that appends batches up to these sizes; gives folder and verifier key."""

    def write(*sizes: int) -> tuple[Path, str]:
        folder = tmp_path / "audit" / "0"
        keys = LocalKeys(tmp_path / "keys", b"k" * 32)
        store = open_store(folder, ORIGIN, keys)
        written = 0
        for size in sizes:
            store.append([entry(index) for index in range(written, size)])
            written = size
        store.close()
        vkey = str(keys.signers(ORIGIN)[0].verifier())
        keys.close()
        return folder, vkey

    return write


def entry(index: int) -> Entry:
    position = Position("a-cluster", "requests", 0, index, 1_760_000_000_000 + index)
    return Entry(position, b"conversation", (("ce_id", b"%d" % index),), b"what was asked")
