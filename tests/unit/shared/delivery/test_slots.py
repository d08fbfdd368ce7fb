"""How many records one process works on at once."""

import asyncio

from shared.delivery.slots import Slots


async def test_nobody_overtakes_who_has_waited_though_two_slots_are_given_back_at_once() -> None:
    slots = Slots(2)
    await slots.acquire("a")
    await slots.acquire("b")
    begun: list[str] = []

    async def work(name: str) -> None:
        await slots.acquire(name)
        begun.append(name)

    waiting = asyncio.create_task(work("first"))
    await asyncio.sleep(0)
    slots.release("a")
    slots.release("b")
    await work("second")
    await waiting

    assert begun == ["first", "second"]


async def test_slots_aside_are_not_of_the_rest() -> None:
    slots = Slots(1, aside=1)
    await slots.acquire("live")
    assert slots.are_taken()
    assert not slots.are_taken(aside=True)
    await slots.acquire("shadow", aside=True)
    assert slots.taken == 1
