"""Pairs about figures that follow from TAT-QA's tables, made up here or asked by its annotators."""

import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from random import Random
from typing import Any, Final

from evals.cells import Cell, Ground, ground
from evals.lookups import amount_of
from evals.pairs import Edit, Pair, off_by_a_digit, paired, transposed


def rounded(value: Decimal, places: int) -> str:
    """Return a value as a report writes it: so many decimals, thousands grouped."""
    return f"{value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP):,}"


_CHANGES: Final = (
    "{row} {moved} by {v} from {old} to {new}.",
    "In {new}, {row} {moved} {v} compared to {old}.",
    "{row} {moved} {v} year over year in {new}, from {a} in {old} to {b}.",
    "The percentage change in {row} between {old} and {new} was {sv}.",
    "{sv}",
)


def derived_pairs(row: Mapping[str, Any], seed: int = 7) -> Iterator[Pair]:
    """Return the pairs of one TAT-QA row: up to two for each kind of computation."""
    it = ground(row)
    random = Random(f"{seed} derived {it.uid}")  # noqa: S311 - the same pairs every time
    cells: Sequence[Cell] = random.sample(it.cells, len(it.cells))
    for make in (_growth, _difference, _average, _ratio, _sum):
        made = 0
        for cell in cells:
            edit = make(it, cell, random)
            if edit is not None:
                yield paired(it, f"derived {make.__name__.strip('_')}", edit, random)
                made += 1
            if made == 2:  # noqa: PLR2004 - a table counts no more than this
                break


def _before(it: Ground, cell: Cell) -> Cell | None:
    return next((c for c in it.same_row(cell) if c.year == cell.year - 1), None)


def _growth(it: Ground, cell: Cell, random: Random) -> Edit | None:
    old = _before(it, cell)
    if old is None or old.value <= 0 or cell.value <= 0 or cell.percent:
        return None
    places = random.choice((1, 1, 2))
    growth = (cell.value - old.value) / old.value * 100
    wrong_base = (cell.value - old.value) / cell.value * 100
    right = rounded(abs(growth), places)
    twins = [rounded(abs(wrong_base), places), off_by_a_digit(right, random)]
    twins += [
        rounded(abs((other.value - old.value) / old.value * 100), places)
        for other in it.same_row(cell)
        if other.year != old.year and other.value > 0
    ]
    twins = [twin for twin in twins if twin != right]
    if not twins or growth == 0:
        return None
    facts = {
        "row": cell.row,
        "moved": random.choice(
            ("increased", "grew", "rose") if growth > 0 else ("decreased", "declined", "fell")
        ),
        "old": old.year,
        "new": cell.year,
        "a": amount_of(it, old),
        "b": amount_of(it, cell),
    }
    template = random.choice(_CHANGES)
    sign = "-" if growth < 0 else ""
    texts = [
        template.format(**facts, v=f"{v}%", sv=f"{sign}{v}%") for v in (right, random.choice(twins))
    ]
    question = f"What was the percentage change in {cell.row} from {old.year} to {cell.year}?"
    return Edit(texts[0], texts[1], question)


def _exponent(*cells: Cell) -> int:
    return max(0, *(-int(c.value.as_tuple().exponent) for c in cells))


def _in_scale(it: Ground, value: Decimal, places: int) -> str:
    text = f"{it.currency}{rounded(abs(value), places)}" + (f" {it.scale}" if it.scale else "")
    return f"-{text}" if value < 0 else text


def _difference(it: Ground, cell: Cell, random: Random) -> Edit | None:
    old = _before(it, cell)
    if old is None or old.value <= 0 or cell.value <= 0 or cell.percent:
        return None
    change, places = cell.value - old.value, _exponent(cell, old)
    right = _in_scale(it, abs(change), places)
    wrong = _in_scale(
        it, abs(change) + random.choice((10, 7, 90)) * Decimal(1).scaleb(-places), places
    )
    others = [c for c in it.same_row(cell) if c.year != old.year and c.value > 0]
    if others and random.random() < 0.5:  # noqa: PLR2004 - half with another year's figure
        wrong = _in_scale(it, abs(others[0].value - old.value), places)
    if right == wrong or change == 0:
        return None
    moved = random.choice(("increased", "rose") if change > 0 else ("decreased", "fell"))
    template = random.choice(
        (
            "{row} {moved} by {v} from {old} to {new}.",
            "Between {old} and {new}, {row} {moved} by {v}.",
            "The change in {row} from {old} to {new} was {s}{v}.",
        )
    )
    facts = {"row": cell.row, "moved": moved, "old": old.year, "new": cell.year}
    facts["s"] = "-" if change < 0 else ""
    question = f"What was the change in {cell.row} between {old.year} and {cell.year}?"
    return Edit(template.format(**facts, v=right), template.format(**facts, v=wrong), question)


def _average(it: Ground, cell: Cell, random: Random) -> Edit | None:
    row = [cell, *it.same_row(cell)]
    row = sorted(row, key=lambda c: c.year)[:3]
    if len(row) < 2 or any(c.value <= 0 for c in row) or cell.percent:  # noqa: PLR2004 - an average
        return None
    total = sum((c.value for c in row), Decimal(0))
    right = _in_scale(it, total / len(row), 2)
    wrong = random.choice(
        (
            _in_scale(it, total / (len(row) + 1), 2),
            _in_scale(it, sum((c.value for c in row[1:]), Decimal(0)) / (len(row) - 1), 2),
            _in_scale(it, total / len(row) + Decimal("11.5"), 2),
        )
    )
    first, last = row[0].year, row[-1].year
    template = random.choice(
        (
            f"The average {cell.row} from {first} to {last} was {{v}}.",
            f"On average, {cell.row} was {{v}} over {first}-{last}.",
            "{v}",
        )
    )
    question = f"What was the average {cell.row} from {first} to {last}?"
    return (
        None
        if right == wrong
        else Edit(template.format(v=right), template.format(v=wrong), question)
    )


def _two_rows(it: Ground, cell: Cell, random: Random) -> Cell | None:
    others = [c for c in it.same_year(cell) if c.value > 0]
    return random.choice(others) if others and cell.value > 0 and not cell.percent else None


def _ratio(it: Ground, cell: Cell, random: Random) -> Edit | None:
    other = _two_rows(it, cell, random)
    if other is None:
        return None
    right, upside_down = cell.value / other.value * 100, other.value / cell.value * 100
    wrong = random.choice((upside_down, right * Decimal("1.1") + Decimal("0.3")))
    wrong_year = [c for c in it.same_row(cell) if c.value > 0]
    if wrong_year and random.random() < 0.4:  # noqa: PLR2004 - some with another year's figure
        wrong = wrong_year[0].value / other.value * 100
    texts = [rounded(v, 1) for v in (right, wrong)]
    if texts[0] == texts[1]:
        return None
    template = random.choice(
        (
            f"{cell.row} was {{v}}% of {other.row} in {cell.year}.",
            f"In {cell.year}, {cell.row} as a percentage of {other.row} was {{v}}%.",
            f"The ratio of {cell.row} to {other.row} for {cell.year} is {{v}}%.",
        )
    )
    question = f"What was {cell.row} as a percentage of {other.row} in {cell.year}?"
    return Edit(template.format(v=texts[0]), template.format(v=texts[1]), question)


def _sum(it: Ground, cell: Cell, random: Random) -> Edit | None:
    other = _two_rows(it, cell, random)
    if other is None:
        return None
    places = _exponent(cell, other)
    right = _in_scale(it, cell.value + other.value, places)
    wrong = _in_scale(it, cell.value + other.value + 9 * Decimal(10).scaleb(-places), places)
    wrong_year = [c for c in it.same_row(cell) if c.value > 0]
    if wrong_year and random.random() < 0.5:  # noqa: PLR2004 - half with another year's figure
        wrong = _in_scale(it, wrong_year[0].value + other.value, places)
    template = random.choice(
        (
            f"The sum of {cell.row} and {other.row} in {cell.year} was {{v}}.",
            f"{cell.row} and {other.row} together came to {{v}} in {cell.year}.",
        )
    )
    question = f"What was the sum of {cell.row} and {other.row} in {cell.year}?"
    return Edit(template.format(v=right), template.format(v=wrong), question)


_ASKS: Final = re.compile(r"(?i)^\s*what (?P<verb>is|was|were|are) (?P<what>.+?)\s*\?*\s*$")


def question_pairs(row: Mapping[str, Any], seed: int = 7) -> Iterator[Pair]:
    """Return pairs from the arithmetic questions of a TAT-QA row: the right one, a digit off."""
    it = ground(row)
    for question in row["questions"]:
        if question["answer_type"] != "arithmetic" or not isinstance(
            question["answer"], int | float
        ):
            continue
        random = Random(f"{seed} {question['uid']}")  # noqa: S311 - the same pairs every time
        value, scale = Decimal(str(question["answer"])), question["scale"]
        digits = f"{abs(value):,}"
        wrong = transposed(digits, [], random) or off_by_a_digit(digits, random)
        if wrong == digits or not re.search("[1-9]", digits):
            continue
        if scale in {"thousand", "million", "billion"} and scale != it.scale:
            continue  # no passage states it
        sign = "-" if value < 0 else ""
        unit = "%" if scale == "percent" else f" {scale}" if scale else ""
        texts = [f"{sign}{d}{unit}" for d in (digits, wrong)]
        asked = _ASKS.match(question["question"])
        if asked and random.random() < 0.5:  # noqa: PLR2004 - half as sentences
            texts = [f"{asked['what'].capitalize()} {asked['verb']} {t}." for t in texts]
        yield paired(
            it,
            "derived asked",
            Edit(texts[0], texts[1], question["question"]),
            random,
        )
