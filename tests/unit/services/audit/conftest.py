"""Stores to append to, and records and events to append."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.audit.adapters.keys import LocalKeys
from services.audit.adapters.memory import MemoryStore
from services.audit.adapters.stores import open_store
from services.audit.entry import Entry, Position
from services.audit.log import Store
from shared.events import (
    Answer,
    AnswerChecked,
    Citation,
    Confidence,
    RequestAccepted,
    Usage,
    Verdict,
)


@pytest.fixture
def keys(tmp_path: Path) -> Iterator[LocalKeys]:
    keys = LocalKeys(tmp_path / "keys", bytes(32))
    yield keys
    keys.close()


@pytest.fixture(params=["folder", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path, keys: LocalKeys) -> Iterator[Store]:
    store: Store = MemoryStore("test/0")
    if request.param == "folder":
        store = open_store(tmp_path / "log", "test/0", keys)
    yield store
    store.close()


@pytest.fixture
def entries() -> list[Entry]:
    """Five entries of different topics, each with something awkward in it."""
    return [
        Entry(Position("c", "requests", 0, 0, 1_760_000_000_000), b"k", (), b'{"question":"?"}'),
        Entry(Position("c", "requests", 0, 1, 1_760_000_000_001), None, (("n", None),), None),
        Entry(Position("c", "results", 0, 0, -1), b"", (("a", b"1"), ("a", b"\xff")), b""),
        Entry(Position("c", "documents", 0, 7, 0), b"\x00\n", (("é\n", b"\n"),), b"a\nb\r\n\xfe"),
        Entry(Position("c", "feedback", 0, 7, 0), b"k", (("", b""),), "naïve — 数\u2028".encode()),
    ]


@pytest.fixture
def checked() -> AnswerChecked:
    return AnswerChecked(
        request=RequestAccepted(
            request_id="r-1",
            request_source="/crm",
            tenant="default",
            question="How high is the limit?",
            received_at=datetime(2026, 1, 1, tzinfo=UTC),
            release="abc",
        ),
        answer=Answer(
            text="The limit is 5 million.",
            citations=(Citation(document_id="d", locator="p. 1", quote="5 million"),),
        ),
        usage=Usage(model="extractive", input_tokens=10, output_tokens=5),
        checks=(Verdict(name="citations", verdict="passed", score=1.0, reason="found"),),
        confidence=Confidence(probability=1.0, threshold=0.9),
        reason="2 of 3 sentences are supported",
    )
