"""A document's life, as those who ask see it: found, narrowed, deleted, erased with its person."""

import asyncio
import io
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from reportlab.pdfgen.canvas import Canvas

from glideslope.asking import ask, request_event
from glideslope.documents import Found, Terms
from glideslope.indexing import Progress
from glideslope.intake import Order, take
from glideslope.stack import Stack, settings_environment
from glideslope.status import take_stock
from shared.events import Citation, Principal, RequestSubmitted, Result
from shared.settings import Settings
from tests.conftest import WITHOUT_REVIEW

pytestmark = pytest.mark.kafka

WINDOW = timedelta(days=1)
QUESTION = "How high is the annual fee of the Quillon account?"
FEE = "The annual fee of the Quillon account is EUR 48."


def pdf(*pages: str) -> bytes:
    file = io.BytesIO()
    canvas = Canvas(file)
    for text in pages:
        canvas.drawString(72, 700, text)
        canvas.showPage()
    canvas.save()
    return file.getvalue()


async def put(settings: Settings, path: Path, terms: Terms) -> None:
    progress = Progress()
    await take(Order(Found({path.name: path}), terms), settings, progress, seconds=30)
    assert progress.done, progress
    assert not progress.rejected, progress


async def cited(settings: Settings, *groups: str) -> tuple[Citation, ...]:
    """Ask on behalf of somebody in these groups; return what the answer rests on."""
    principal = Principal(id="somebody", groups=groups)
    question = RequestSubmitted(question=QUESTION, principal=principal)
    result = await ask(request_event(question), settings)
    assert isinstance(result, Result)
    assert (result.outcome == "answered") == (result.answer is not None)
    return result.answer.citations if result.answer else ()


async def until_audited(settings: Settings) -> None:
    """Wait until every service has passed every record of its topics, audit among them."""
    async with asyncio.timeout(30):
        # ASYNC110: a group tells nobody how far it is, it has to be asked
        while any(each.lag for each in (await take_stock(settings, WINDOW)).groups):  # noqa: ASYNC110 - see above
            await asyncio.sleep(0.05)


async def test_what_may_not_be_seen_any_more_is_cited_in_no_later_answer(
    settings: Settings, tmp_path: Path
) -> None:
    path = tmp_path / "fees.pdf"
    path.write_bytes(pdf("Fees", FEE))
    async with Stack(settings, services=WITHOUT_REVIEW) as stack:
        settings = stack.settings

        await put(settings, path, Terms(("desk", "board"), subject="anna@example.com"))
        (citation,) = await cited(settings, "desk")
        assert (citation.document_id, citation.locator) == ("fees.pdf", "p. 2 ¶1")
        assert citation.quote == FEE

        await put(settings, path, Terms(("board",), subject="anna@example.com"))
        assert await cited(settings, "desk") == ()
        assert len(await cited(settings, "board")) == 1

        await until_audited(settings)  # whoever is in no record has no key to be destroyed
        erasing = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "glideslope", "audit", "erase", "anna@example.com"),
            *("--reason", "she asked for it"),
            env=settings_environment(settings),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await asyncio.wait_for(erasing.communicate(), 60)
        assert erasing.returncode == 0, said.decode()
        assert "1 documents deleted" in said.decode()
        assert await cited(settings, "board") == ()
    assert stack.drained
