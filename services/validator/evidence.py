"""What an answer can be held against: all facts of its passages, to look up by value and words."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from itertools import chain
from typing import Final

from services.validator.facts import Fact
from services.validator.figures import FigureText, read_figures
from services.validator.labels import Query, Vocabulary
from services.validator.periods import amounts_of
from services.validator.prose import prose_facts
from services.validator.remembered import note, remembered
from services.validator.scales import TableScale, stated_scale
from services.validator.tables import tables_of
from services.validator.units import CURRENCY_CODES, named_units


@dataclass(frozen=True, eq=False)  # results are kept by it: each is only the same as itself
class Evidence:
    """All facts of an answer's passages."""

    texts: tuple[FigureText, ...]
    all: tuple[Fact, ...]
    by_value: dict[Decimal, list[Fact]]
    values: list[Decimal]
    by_words: dict[str, list[int]]
    vocabulary: Vocabulary
    units: frozenset[str]

    def about(self, query: Query) -> Iterator[Fact]:
        """Return the facts that have any of a query's words, each once, in their order."""
        found = chain.from_iterable(self.by_words.get(word, ()) for word in query.weights)
        return (self.all[place] for place in sorted(set(found)))

    @cached_property
    def by_digits(self) -> dict[tuple[int, ...], list[Fact]]:
        """The facts by the digits of what they may be, without scale and sign."""
        found = defaultdict(list)
        for fact in self.all:
            for digits in {digits_of(amount.value) for amount in fact.amounts}:
                found[digits].append(fact)
        return dict(found)

    @property
    def currencies(self) -> frozenset[str]:
        """The currencies that the passages name anywhere."""
        return self.units & CURRENCY_CODES


def digits_of(value: Decimal) -> tuple[int, ...]:
    """Return the digits of a value without its scale and sign."""
    return value.normalize().as_tuple().digits


_INDEXED: Final = 7
"""Indexes of a page take so much less than reading it did: some 40 bytes a character."""


@remembered(64)
def read_evidence(passages: tuple[str, ...]) -> Evidence:
    """Read all facts of the passages."""
    note(sum(map(len, passages)) // _INDEXED)
    passages = tuple(dict.fromkeys(passages))
    units = frozenset[str]().union(*map(all_units, passages))
    found: list[Fact] = []
    for passage in passages:
        others = (stated_scale(other) for other in passages if other != passage)
        found += facts_of(passage, next((scale for scale in others if scale), None))
    by_value, by_words = defaultdict(list), defaultdict(list)
    for place, fact in enumerate(found):
        for word in fact.words:
            by_words[word].append(place)
        amounts = fact.amounts
        if len(amounts) == 1:  # as most have
            by_value[abs(amounts[0].value)].append(fact)
            continue
        for value in {abs(amount.value) for amount in amounts}:
            by_value[value].append(fact)
    vocabulary = Vocabulary.of(fact.words for fact in found)
    return Evidence(
        tuple(map(read_figures, passages)),
        tuple(found),
        dict(by_value),
        sorted(by_value),
        dict(by_words),
        vocabulary,
        units,
    )


# what an answer cites is read again by itself, and passages come back with every popular question
@remembered(256)
def facts_of(passage: str, elsewhere: TableScale | None) -> tuple[Fact, ...]:
    """Return the facts of a passage; `elsewhere`: the scale that the others state, if any."""
    tables = tables_of(passage, elsewhere)
    spans = [span for table in tables for span in table.spans]
    found = [fact for table in tables for fact in table.facts]
    return (*found, *prose_facts(passage, spans, elsewhere))


@remembered(256)
def all_units(text: str) -> frozenset[str]:
    """Return the units that stand by themselves in a text, and the currencies of its figures."""
    written = {a.unit for f in read_figures(text).figures for a in amounts_of(f)}
    return named_units(text) | {unit for unit in written if unit in CURRENCY_CODES}
