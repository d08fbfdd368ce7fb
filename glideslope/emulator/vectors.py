"""Embeddings of the emulator: hashed words, normalised. They mean nothing beyond shared words."""

import math
import re
import zlib
from typing import Final

_WORD: Final = re.compile(r"\w+")


def vector(text: str, dimensions: int) -> list[float]:
    """Return a vector of length 1; the same words give the same one."""
    counts = [0.0] * dimensions
    for word in _WORD.findall(text.lower()):
        counts[zlib.crc32(word.encode()) % dimensions] += 1.0
    length = math.hypot(*counts) or 1.0
    return [count / length for count in counts]
