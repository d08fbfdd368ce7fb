"""Sentences of right answers, beside their own passages and beside those of another question.

Models that were given the passages hardly ever write something that has nothing to do with them, so
public sets do not show what that looks like; nor do they show short answers. Both are needed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from random import Random
from typing import Final

from evals.sets import Example
from services.validator.sentences import sentences

_SHORTEST: Final = 40


def strangers(examples: Sequence[Example], seed: int = 13) -> Iterator[Example]:
    """Return for each right example one of its sentences twice: at home, and as a stranger."""
    random = Random(seed)  # noqa: S311 - the same every time
    right = [e for e in examples if e.supported and not e.refuses]
    for example in right:
        said = [s.text for s in sentences(example.answer) if len(s.text) >= _SHORTEST]
        # whoever is met must be on the same side of every split
        others = [e for e in right if e.group != example.group and e.is_locked == example.is_locked]
        if said and others:
            short = random.choice(said)
            home = replace(
                example, id=f"{example.id}-short", set="strangers", answer=short, spans=()
            )
            yield home
            other = random.choice(others)
            yield replace(
                home,
                id=f"{example.id}-stranger",
                passages=other.passages,
                question=example.question if random.random() < 0.5 else other.question,  # noqa: PLR2004 - evenly
                supported=False,
                original=None,
            )
