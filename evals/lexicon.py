"""Make services/validator/grounding/lexicon.txt from the database files of WordNet 3.0.

    python -m evals.lexicon /usr/share/wordnet      # Debian: apt-get install wordnet-base

WordNet (Princeton University, https://wordnet.princeton.edu) may be used, changed and passed on
under its own licence, whose notice stands at the head of the file. What is kept: single words that
WordNet's tagged texts use, in their first four senses, as stems.
"""

import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from services.validator.grounding.words import stem

_OUT: Final = Path(__file__).parents[1] / "services/validator/grounding/lexicon.txt"
_SENSES: Final = 4
_POS: Final = {"n": "noun", "v": "verb", "a": "adj", "s": "adj", "r": "adv"}
_RELATED: Final = {"@", "&", "+"}
"""Hypernym, similar to, derived from: WordNet's names of the pointers (wninput(5WN))."""
_HEAD: Final = """\
# Made by evals/lexicon.py from WordNet 3.0: stem, synonyms, related words, opposites.
# WordNet 3.0 Copyright 2006 by Princeton University. All rights reserved. THIS SOFTWARE AND
# DATABASE IS PROVIDED "AS IS" AND PRINCETON UNIVERSITY MAKES NO REPRESENTATIONS OR WARRANTIES,
# EXPRESS OR IMPLIED. Permission to use, copy, modify and distribute this software and database
# and its documentation for any purpose and without fee or royalty is hereby granted, provided
# that you agree to comply with the copyright notice and statements, including the disclaimer,
# and that the same appear on ALL copies of the software, database and documentation, including
# modifications that you make for internal use or for distribution.
"""

_Synset = tuple[list[str], list[tuple[str, str, str, str]]]


def main(folder: Path) -> None:
    """Write the lexicon."""
    synsets = {(pos, offset): s for pos in set(_POS.values()) for offset, s in _data(folder, pos)}
    kinds: tuple[dict[str, set[str]], ...] = tuple(defaultdict(set) for _ in range(3))
    for pos in set(_POS.values()):
        for lemma, offsets in _index(folder, pos):
            for offset in offsets[:_SENSES]:
                _collect(lemma, pos, offset, synsets, kinds)
    same, near, opposite = kinds
    lines = []
    for entry in sorted({*same, *near, *opposite}):
        fields = [same[entry] - {entry}, near[entry] - same[entry] - {entry}, opposite[entry]]
        if any(fields):
            lines.append("\t".join([entry, *(" ".join(sorted(words)) for words in fields)]))
    _OUT.write_text(_HEAD + "\n".join(lines) + "\n", encoding="utf-8")
    sys.stdout.write(f"{_OUT.name}: {len(lines)} stems, {_OUT.stat().st_size} bytes\n")


def _data(folder: Path, pos: str) -> Iterator[tuple[str, _Synset]]:
    for line in _lines(folder / f"data.{pos}"):
        fields = line.split("|")[0].split()
        count = int(fields[3], 16)
        words = [re.sub(r"\(.*\)", "", word).lower() for word in fields[4 : 4 + 2 * count : 2]]
        at = 4 + 2 * count
        pointers = [
            (fields[i], fields[i + 1], fields[i + 2], fields[i + 3])
            for i in range(at + 1, at + 1 + 4 * int(fields[at]), 4)
        ]
        yield fields[0], (words, pointers)


def _index(folder: Path, pos: str) -> Iterator[tuple[str, list[str]]]:
    for line in _lines(folder / f"index.{pos}"):
        fields = line.split()
        pointers = int(fields[3])
        tagged = int(fields[5 + pointers])
        if fields[0].isalpha() and tagged:
            yield fields[0], fields[6 + pointers :]


def _collect(
    lemma: str,
    pos: str,
    offset: str,
    synsets: dict[tuple[str, str], _Synset],
    kinds: tuple[dict[str, set[str]], ...],
) -> None:
    same, near, opposite = kinds
    words, pointers = synsets[pos, offset]
    entry = stem(lemma)
    same[entry].update(_stems(words))
    for symbol, target, target_pos, places in pointers:
        source, place = bytes.fromhex(places)
        theirs = synsets[_POS[target_pos], target][0]
        if symbol == "!" and source and words[source - 1] == lemma:
            opposite[entry].update(_stems([theirs[place - 1]]))
        elif symbol in _RELATED and not (symbol == "@" and pos not in {"noun", "verb"}):
            near[entry].update(_stems([theirs[place - 1]] if symbol == "+" and place else theirs))


def _stems(words: list[str]) -> set[str]:
    return {stem(word) for word in words if "_" not in word and word.isalpha()}


def _lines(path: Path) -> Iterator[str]:
    with path.open(encoding="ascii") as lines:
        yield from (line for line in lines if not line.startswith("  "))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
