"""How often Python looks for cycles among the objects of a process."""

import gc
from typing import Final

_YOUNG_OBJECTS: Final = 20_000


def look_seldom() -> None:
    """Look for cycles after 20,000 new objects: what records and answers are made of has none.

    Python's own 700 are reached many times in one answer or one batch of records.
    """
    gc.set_threshold(_YOUNG_OBJECTS, *gc.get_threshold()[1:])
