from datetime import timedelta

import pytest
from typer.testing import CliRunner

from glideslope.__main__ import app
from glideslope.commands import status
from glideslope.ledger import Ledger
from glideslope.status import GroupStock, Stock, TopicStock
from shared.settings import Settings


def shown(monkeypatch: pytest.MonkeyPatch, records: int | None, group: str) -> str:
    stock = Stock(
        (TopicStock("feedback", records, 3),),
        (GroupStock(group, 0, 0, {}, 0),),
        Ledger(Settings(), timedelta(days=1)).reconcile(),
        (),
    )

    async def taken(*_: object) -> Stock:
        return stock

    monkeypatch.setattr(status, "take_stock", taken)
    return CliRunner().invoke(app, ["status"]).output


def test_signs_are_explained_where_they_are_and_nowhere_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    unsure = shown(monkeypatch, None, "blue.inference.documents")
    assert "≤ at the most" in unsure
    assert "inference.documents has no members" in unsure

    sure = shown(monkeypatch, 3, "ingest")
    assert "at the most" not in sure
    assert "has no members" not in sure
