"""`glideslope review next | claim | release | snooze | hand-over | undo | history`.

All of it goes through the review service: who has what is known there alone.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer
from rich.text import Text

from glideslope import desk, terminal
from glideslope.commands.review.deciding import Id, Json, Source
from glideslope.commands.review.view import show_item
from glideslope.desk import Desk
from glideslope.terminal import out, plain
from shared.events import AnswerChecked

_Note = Annotated[str, typer.Option(help="Why; it stands in the item's history.")]


def take_next(as_json: Json = False) -> None:
    """Claim the most urgent item that is free, and show it."""

    async def take(service: Desk) -> Mapping[str, Any] | None:
        return await service.claim_next()

    item = terminal.run(_at_the_desk(take))
    if as_json:
        terminal.print_json(item)
    elif item is None:
        out.print("nothing that is free waits for you")
    else:
        show_item(AnswerChecked.model_validate(item["checked"]))
        _say(_is_yours(item["summary"]["claim"]))


def claim(request_id: Id, source: Source = None) -> None:
    """Claim an item, so that nobody else decides it; or keep one for another lease."""

    async def take(service: Desk) -> Mapping[str, Any]:
        return await service.claim(await service.find(request_id, source))

    _say(_is_yours(terminal.run(_at_the_desk(take))))


def release(request_id: Id, source: Source = None) -> None:
    """Give an item back."""

    async def give(service: Desk) -> None:
        await service.release(await service.find(request_id, source))

    terminal.run(_at_the_desk(give))
    _say(f"{request_id} is free")


def snooze(
    request_id: Id,
    hours: Annotated[float, typer.Option(help="For how long.", min=0.01, max=24 * 90)],
    note: _Note = "",
    source: Source = None,
) -> None:
    """Put an item off and give it back; its due time stays."""
    until = datetime.now(UTC) + timedelta(hours=hours)

    async def put_off(service: Desk) -> None:
        await service.snooze(await service.find(request_id, source), until, note)

    terminal.run(_at_the_desk(put_off))
    _say(f"{request_id} is put off until {until:%Y-%m-%d %H:%M} UTC")


def hand_over(
    request_id: Id,
    to: Annotated[str, typer.Option(help="The person, by the name that they decide under.")],
    note: _Note = "",
    source: Source = None,
) -> None:
    """Give an item to another person; a lead may give what somebody else has."""

    async def give(service: Desk) -> None:
        await service.hand_over(await service.find(request_id, source), to, note)

    terminal.run(_at_the_desk(give))
    _say(f"{request_id} is for {to}")


def undo(request_id: Id, source: Source = None) -> None:
    """Take your decision back before it is published; the item is yours again."""

    async def take_back(service: Desk) -> Mapping[str, Any]:
        return await service.undo(await service.find(request_id, source))

    _say(_is_yours(terminal.run(_at_the_desk(take_back))))


def history(request_id: Id, source: Source = None, as_json: Json = False) -> None:
    """Show what happened to an item, the oldest first."""

    async def read(service: Desk) -> list[Mapping[str, Any]]:
        return await service.history(await service.find(request_id, source))

    lines = terminal.run(_at_the_desk(read))
    if as_json:
        terminal.print_json(lines)
        return
    for line in lines:
        note = f": {line['note']}" if line["note"] else ""
        at = datetime.fromisoformat(line["at"])
        _say(f"{at:%Y-%m-%d %H:%M:%S} {line['who']} {line['what']}{note}")


async def _at_the_desk(do: Callable[[Desk], Awaitable[Any]]) -> Any:
    settings = terminal.settings()
    async with Desk.opened(desk.required_address(settings), settings) as service:
        return await do(service)


def _is_yours(held: Mapping[str, Any]) -> str:
    until = datetime.fromisoformat(held["until"])
    return f"{held['holder']} has it until {until:%H:%M:%S} UTC"


def _say(text: str) -> None:
    out.print(Text(plain(text)), soft_wrap=True)
