import asyncio
from math import inf

from shared.delivery.gathering import Gathering
from shared.delivery.limits import Limits


async def test_a_commit_that_was_pressed_for_lets_the_next_one_rest() -> None:
    finished = [1]
    gathering = Gathering(Limits(rest=1e9, longest_rest=inf), finished)
    gathering.press()
    await gathering.enough()
    gathering.rest_after(1.0)

    def finish_more() -> None:
        finished.append(3)
        gathering.press()

    finished[:] = [2]
    gathering.add(is_due=True)
    asyncio.get_running_loop().call_soon(finish_more)
    await gathering.enough()

    assert finished == [2, 3], "what finished meanwhile goes along"
