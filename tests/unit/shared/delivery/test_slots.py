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
    assert not slots.take("another")
    assert slots.take("shadow", aside=True)
    assert slots.taken == 1


async def test_a_slot_that_comes_too_late_for_who_was_cancelled_goes_to_the_next() -> None:
    slots = Slots(1)
    await slots.acquire("a")
    leaving = asyncio.create_task(slots.acquire("b"))
    waiting = asyncio.create_task(slots.acquire("c"))
    await asyncio.sleep(0)
    slots.release("a")  # to "b", who has not heard of it yet
    leaving.cancel()
    await waiting

    assert slots.held_by("c")
    assert not slots.held_by("b")
    slots.release("c")
    assert slots.take("d")


async def test_who_gives_up_waiting_is_passed_over() -> None:
    slots = Slots(1)
    await slots.acquire("a")
    leaving = asyncio.create_task(slots.acquire("b"))
    await asyncio.sleep(0)
    leaving.cancel()
    await asyncio.wait([leaving])
    slots.release("a")

    assert slots.take("c")
    assert slots.taken == 1
