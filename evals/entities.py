"""Pairs of sentences that differ in one name: the right one, and one about somebody else."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from random import Random
from typing import Final

from evals.pairs import Pair
from evals.sets import Example
from services.validator.sentences import sentences

_NAME: Final = re.compile(
    r"(?<=[a-z,;] )[A-Z][A-Za-z&'\u2019-]{2,20}(?: [A-Z][A-Za-z&'\u2019-]{2,20}){0,2}"
)
_NO_NAME_LIST: Final = (
    "The This That These Those January February March April May June July August September "
    "October November December Monday Tuesday Wednesday Thursday Friday Saturday Sunday Note "
    "Item Part Table Company"
)
_NO_NAME: Final = frozenset(_NO_NAME_LIST.split())
_WORD: Final = re.compile(r"\b[a-z]+\b")
_SHORTEST: Final = 40
_LONGEST: Final = 300
_PAIRS_A_GROUP: Final = 4


def names(text: str) -> list[str]:
    """Return what looks like names within sentences, each once, in their order."""
    plain = frozenset(_WORD.findall(text))  # a word that is also written small is no name
    found = [m[0] for m in _NAME.finditer(text)]
    return [
        name
        for name in dict.fromkeys(found)
        if name.split()[0] not in _NO_NAME and not any(w.lower() in plain for w in name.split())
    ]


def entity_pairs(
    passages: Sequence[str], strangers: Sequence[str], group: str, source: str, seed: int = 5
) -> Iterator[Pair]:
    """Return a pair for each sentence with a name that another can stand in for.

    The other is from the passages, where it has another role, or a stranger to them.
    """
    random = Random(f"{seed} {group}")  # noqa: S311 - the same pairs every time
    text = "\n".join(passages)
    here = names(text)
    away = [n for n in strangers if n not in text]
    for passage in passages:
        for sentence in sentences(passage):
            mine = [name for name in here if name in sentence.text]
            if not mine or not _SHORTEST <= len(sentence.text) <= _LONGEST:
                continue
            old = random.choice(mine)
            other = [n for n in here if n not in sentence.text]
            pool = away if not other or (away and random.random() < 0.5) else other  # noqa: PLR2004 - evenly
            if pool:
                new = random.choice(pool)
                wrong = sentence.text.replace(old, new)
                kind = "entity swapped" if new in here else "entity strange"
                yield Pair(kind, group, source, "", tuple(passages), sentence.text, wrong)


def entities(examples: Sequence[Example]) -> Iterator[Example]:
    """Yield sentences of the passages as answers, and twins with one name exchanged."""
    sources = {e.group: e for e in examples if e.set in {"ragtruth", "summedits"}}
    strangers: dict[bool, list[str]] = {True: [], False: []}
    for example in sources.values():
        strangers[example.is_locked] += names("\n".join(example.passages))
    for example in sources.values():
        pairs = entity_pairs(
            example.passages, strangers[example.is_locked], example.group, example.set
        )
        for number, pair in enumerate(islice(pairs, _PAIRS_A_GROUP)):
            right = replace(
                example,
                id=f"entities-{example.id}-{number}",
                set="entities",
                answer=pair.right,
                supported=True,
                spans=(),
                original=None,
                part=pair.kind,
            )
            yield right
            yield replace(right, answer=pair.wrong, supported=False)
