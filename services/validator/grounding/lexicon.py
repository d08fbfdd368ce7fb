"""Which words mean the same, are near in meaning, or are opposites: WordNet, as stems.

The file says where it comes from; `python -m evals.lexicon` makes it again. Own reader rather than
nltk or wn: both download their data at run time, which a locked-down network does not allow.
"""

from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Final

_FILE: Final = Path(__file__).with_name("lexicon.txt")
_NONE: Final[frozenset[str]] = frozenset()


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Stems by stem."""

    _entries: dict[str, str]

    def same(self, stem: str) -> frozenset[str]:
        """Return the synonyms of a stem, in any of its frequent senses."""
        return self._field(stem, 1)

    def near(self, stem: str) -> frozenset[str]:
        """Return what is broader, similar or derived."""
        return self._field(stem, 2)

    def opposite(self, stem: str) -> frozenset[str]:
        """Return the antonyms of a stem."""
        return self._field(stem, 3)

    def _field(self, stem: str, place: int) -> frozenset[str]:
        line = self._entries.get(stem)
        return _NONE if line is None else _fields(line)[place]


# kept for the stems that come up: sets for all of them would take ten times the memory
@lru_cache(maxsize=8_192)
def _fields(line: str) -> tuple[frozenset[str], ...]:
    return tuple(frozenset(part.split()) for part in line.split("\t"))


@cache
def lexicon() -> Lexicon:
    """Return the lexicon, read once (10 ms, some 3 MiB)."""
    entries = {}
    with _FILE.open(encoding="utf-8") as lines:
        for line in lines:
            if not line.startswith("#"):
                entries[line.partition("\t")[0]] = line.rstrip("\n")
    return Lexicon(entries)
