"""Files and deletions on their way to the topic `documents`: what is there already is not sent."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from glideslope.documents import Found, Terms, UnreadableFileError, contents, deletion, load
from glideslope.indexed import Indexed, indexed
from glideslope.indexing import Progress, Publication, publication
from shared.settings import Settings


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be done: files sent under terms, documents deleted by id or by whose they are.

    With `again` files are sent that are there unchanged, too.
    """

    found: Found = field(default_factory=Found)
    terms: Terms = field(default_factory=Terms)
    delete: tuple[str, ...] = ()
    delete_subjects: tuple[str, ...] = ()
    again: bool = False


async def take(
    order: Order,
    settings: Settings,
    progress: Progress,
    *,
    tenant: str | None = None,
    seconds: float | None = None,
) -> None:
    """Do it, noting in `progress` what becomes of each; a file that cannot be read stops nothing.

    Interrupted, it goes on where it was when it is given again: what was accepted is there.
    `seconds` bounds the wait after the last document was published; None does not wait. Raises
    `UnreachableError` and `TopicsMissingError`.
    """
    known = await indexed(settings, tenant or settings.default_tenant)
    async with publication(settings, progress, tenant=tenant) as publishing:
        progress.absent |= {each for each in order.delete if not known.of(each)}
        for document_id in _to_delete(order, known):
            await publishing.send(deletion(document_id))
            progress.to_delete.add(document_id)
        for document_id, path in order.found.files.items():
            try:
                await _send(document_id, path, order, known, publishing, progress)
            except UnreadableFileError as error:
                progress.unreadable[document_id] = error.reason
            progress.changed()
        if seconds is not None:
            await publishing.settled(seconds)


def _to_delete(order: Order, known: Indexed) -> Iterator[str]:
    """Yield each id once: what was named whether it is there or not, and all of its parts."""
    named = dict.fromkeys(order.delete)
    named |= {each.document_id: None for whole in order.delete for each in known.of(whole)}
    named |= {each: None for subject in order.delete_subjects for each in known.about(subject)}
    yield from named


async def _send(  # noqa: PLR0913, PLR0917 - all that `take` knows
    document_id: str,
    path: Path,
    order: Order,
    known: Indexed,
    publishing: Publication,
    progress: Progress,
) -> None:
    raw = await asyncio.to_thread(contents, path)
    if not order.again and known.is_unchanged(document_id, order.terms.digest(raw)):
        progress.unchanged.add(document_id)
        return
    loaded = await asyncio.to_thread(load, document_id, path, raw, order.terms)
    if loaded.notes:
        progress.notes[document_id] = loaded.notes
    for submission in loaded.submissions:
        await publishing.send(submission)
    # only now: there is no moment without the document
    for left in known.left_over(document_id, (each.id for each in loaded.submissions)):
        await publishing.send(deletion(left))
