"""Pairs of answers, a right one and its twin with one wrong edit, that a checker must tell apart.

Made from public data with a fixed seed: tables of TAT-QA in several renderings, with cells looked
up and figures derived from them; and sentences of prose, edited in place.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from hashlib import sha256
from random import Random
from typing import Any, Final

from evals.cells import RENDERINGS, Cell, Ground, ground


@dataclass(frozen=True, slots=True)
class Pair:
    """One pair. `group` is what it must not be split by; `source` says what it was made from."""

    kind: str
    group: str
    source: str
    question: str
    passages: tuple[str, ...]
    right: str
    wrong: str

    @property
    def locked(self) -> bool:
        """Say whether it belongs to the fifth of all groups that nothing is tuned on."""
        return is_locked(self.group)


def is_locked(group: str) -> bool:
    """Say whether a group belongs to the locked fifth."""
    return sha256(group.encode()).digest()[0] % 5 == 0


_SAYS_MINUS: Final = re.compile(
    r"(?i)\b(?:loss|losses|expenses?|costs?|charges?|less|decrease|decline|tax|taxes|paid|payments?"
    r"|purchases?|repurchases?|expenditures?|dividends?|used|impairment|allowance|outflow|additions"
    r"|amortization|depreciation|repayments?)\b"
)
_OTHER_SCALE: Final = {"thousand": "million", "million": "billion", "billion": "million"}
_LOOKUPS: Final = (
    "{row} was {v} in {year}.",
    "In {year}, {row} amounted to {v}.",
    "In fiscal {year} the company reported {row} of {v}.",
    "{row} for {year}: {v}.",
    "According to the table, {row} came to {v} for the year {year}.",
)
_BASIS: Final = ((" percent", " basis points"), ("%", " bps"), ("%", " basis points"))


def table_pairs(row: Mapping[str, Any], seed: int = 7) -> Iterator[Pair]:
    """Return the pairs of one TAT-QA row: up to three for each kind of edit and of derivation."""
    it = ground(row)
    random = Random(f"{seed} {it.uid}")  # noqa: S311 - no secret, but the same pairs every time
    cells = list(it.cells)
    random.shuffle(cells)
    for make in (_scale, _sign, _year, _basis, _currency, _digits, _row):
        made = 0
        for cell in cells:
            pair = make(it, cell, random)
            if pair is not None:
                yield _pair(it, make.__name__.strip("_"), cell, pair, random)
                made += 1
            if made == 3:  # noqa: PLR2004 - a table counts no more than this
                break
    yield from _derived(it, cells, random)


@dataclass(frozen=True, slots=True)
class _Edit:
    right: str
    wrong: str
    question: str = ""


def _pair(it: Ground, kind: str, cell: Cell, edit: _Edit, random: Random) -> Pair:
    name = random.choice(list(RENDERINGS))
    table = RENDERINGS[name](it.table)
    text = "\n".join(it.paragraphs)
    passages = random.choice(((f"{text}\n{table}",), (table, text), (text, table)))
    question = edit.question or f"What was {cell.row} in {cell.year}?"
    return Pair(kind, it.uid, f"tatqa/{name}", question, passages, edit.right, edit.wrong)


def _said(cell: Cell, amount: str, random: Random, *, row: str = "", year: int = 0) -> str:
    template = random.choice(_LOOKUPS)
    return template.format(row=row or cell.row, year=year or cell.year, v=amount)


def _amount(it: Ground, cell: Cell, written: str = "", *, negative: bool | None = None) -> str:
    digits = written or cell.written
    if cell.percent:
        text = f"{digits}%"
    else:
        text = f"{it.currency}{digits}" + (f" {it.scale}" if it.scale else "")
    return f"-{text}" if (cell.value < 0 if negative is None else negative) else text


def _twins(cell: Cell, right: str, wrong: str, random: Random) -> _Edit:
    if random.random() < 0.2:  # noqa: PLR2004 - some answers are no sentences
        return _Edit(right, wrong)
    state = random.getstate()
    first = _said(cell, right, random)
    random.setstate(state)
    return _Edit(first, _said(cell, wrong, random))


def _scale(it: Ground, cell: Cell, random: Random) -> _Edit | None:
    if not it.scale or cell.percent:
        return None
    right = _amount(it, cell)
    return _twins(cell, right, right.replace(it.scale, _OTHER_SCALE[it.scale]), random)


def _sign(it: Ground, cell: Cell, random: Random) -> _Edit | None:
    if _SAYS_MINUS.search(cell.row):
        return None  # 'the loss was 5' is true of a loss of (5)
    if cell.value == 0 or (cell.value > 0 and random.random() < 0.7):  # noqa: PLR2004 - mostly losses
        return None
    return _twins(cell, _amount(it, cell), _amount(it, cell, negative=cell.value > 0), random)


def _year(it: Ground, cell: Cell, random: Random) -> _Edit | None:
    others = it.same_row(cell)
    if not others:
        return None
    amount, state = _amount(it, cell), random.getstate()
    right = _said(cell, amount, random)
    random.setstate(state)
    other = others[0].year
    wrong = _said(cell, amount, random, year=other)
    return _Edit(right, wrong, f"What was {cell.row}?")


def _basis(it: Ground, cell: Cell, random: Random) -> _Edit | None:
    if not cell.percent:
        return None
    percent, points = random.choice(_BASIS)
    right = _amount(it, cell)
    return _twins(cell, right.replace("%", percent), right.replace("%", points), random)


def _currency(it: Ground, cell: Cell, random: Random) -> _Edit | None:
    if cell.percent or not it.currency:
        return None
    other = random.choice([sign for sign in ("$", "€", "£") if sign != it.currency])
    right = _amount(it, cell)
    return _twins(cell, right, right.replace(it.currency, other), random)


def transposed(digits: str, taken: Sequence[str], random: Random) -> str | None:
    """Return the digits with two neighbours exchanged, or one changed; None if all are taken."""
    places = [i for i, (a, b) in enumerate(zip(digits, digits[1:], strict=False)) if a != b]
    places = [i for i in places if digits[i : i + 2].isdigit() and digits[i + 1] != "0"]
    random.shuffle(places)
    for i in places:
        changed = digits[:i] + digits[i + 1] + digits[i] + digits[i + 2 :]
        if changed not in taken:
            return changed
    return None


def _digits(it: Ground, cell: Cell, random: Random) -> _Edit | None:
    wrong = transposed(cell.written, [c.written for c in it.cells], random)
    return _twins(cell, _amount(it, cell), _amount(it, cell, wrong), random) if wrong else None


def _row(it: Ground, cell: Cell, random: Random) -> _Edit | None:
    others = it.same_year(cell)
    if not others:
        return None
    return _twins(cell, _amount(it, cell), _amount(it, random.choice(others)), random)


def rounded(value: Decimal, places: int) -> str:
    """Return a value as a report writes it: so many decimals, thousands grouped."""
    return f"{value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP):,}"


_CHANGES: Final = (
    ("{row} {moved} by {v} from {old} to {new}.", "{row} {moved} by {w} from {old} to {new}."),
    ("In {new}, {row} {moved} {v} compared to {old}.", None),
    ("{row} {moved} {v} year over year in {new}, from {a} in {old} to {b}.", None),
    ("The percentage change in {row} between {old} and {new} was {sv}.", None),
    ("{sv}", None),
)


def _derived(it: Ground, cells: Sequence[Cell], random: Random) -> Iterator[Pair]:
    for make in (_growth, _difference, _average, _ratio, _sum):
        made = 0
        for cell in cells:
            edit = make(it, cell, random)
            if edit is not None:
                yield _pair(it, f"derived {make.__name__.strip('_')}", cell, edit, random)
                made += 1
            if made == 2:  # noqa: PLR2004 - a table counts no more than this
                break


def _before(it: Ground, cell: Cell) -> Cell | None:
    return next((c for c in it.same_row(cell) if c.year == cell.year - 1), None)


def _growth(it: Ground, cell: Cell, random: Random) -> _Edit | None:
    old = _before(it, cell)
    if old is None or old.value <= 0 or cell.value <= 0 or cell.percent:
        return None
    places = random.choice((1, 1, 2))
    growth = (cell.value - old.value) / old.value * 100
    wrong_base = (cell.value - old.value) / cell.value * 100
    right = rounded(abs(growth), places)
    twins = [rounded(abs(wrong_base), places), _off(right, random)]
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
        "a": _amount(it, old),
        "b": _amount(it, cell),
    }
    template = random.choice(_CHANGES)[0]
    sign = "-" if growth < 0 else ""
    texts = [
        template.format(**facts, v=f"{v}%", sv=f"{sign}{v}%") for v in (right, random.choice(twins))
    ]
    question = f"What was the percentage change in {cell.row} from {old.year} to {cell.year}?"
    return _Edit(texts[0], texts[1], question)


def _off(digits: str, random: Random) -> str:
    """Return the figure with one digit off by a little."""
    places = [i for i, digit in enumerate(digits) if digit.isdigit()]
    i = random.choice(places)
    return (
        digits[:i] + str((int(digits[i]) + random.choice((1, 2, 3, 9, 8))) % 10) + digits[i + 1 :]
    )


def _exponent(*cells: Cell) -> int:
    return max(0, *(-int(c.value.as_tuple().exponent) for c in cells))


def _in_scale(it: Ground, value: Decimal, places: int) -> str:
    text = f"{it.currency}{rounded(abs(value), places)}" + (f" {it.scale}" if it.scale else "")
    return f"-{text}" if value < 0 else text


def _difference(it: Ground, cell: Cell, random: Random) -> _Edit | None:
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
    return _Edit(template.format(**facts, v=right), template.format(**facts, v=wrong), question)


def _average(it: Ground, cell: Cell, random: Random) -> _Edit | None:
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
        else _Edit(template.format(v=right), template.format(v=wrong), question)
    )


def _two_rows(it: Ground, cell: Cell, random: Random) -> Cell | None:
    others = [c for c in it.same_year(cell) if c.value > 0]
    return random.choice(others) if others and cell.value > 0 and not cell.percent else None


def _ratio(it: Ground, cell: Cell, random: Random) -> _Edit | None:
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
    return _Edit(template.format(v=texts[0]), template.format(v=texts[1]), question)


def _sum(it: Ground, cell: Cell, random: Random) -> _Edit | None:
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
    return _Edit(template.format(v=right), template.format(v=wrong), question)


# ── questions of TAT-QA with the answers of people ────────────────────────────────────────────

_ASKS: Final = re.compile(r"(?i)^\s*what (?P<verb>is|was|were|are) (?P<what>.+?)\s*\?*\s*$")


def question_pairs(row: Mapping[str, Any], seed: int = 7) -> Iterator[Pair]:
    """Return pairs from the arithmetic questions of a TAT-QA row: the right answer, one digit off."""
    it = ground(row)
    for question in row["questions"]:
        if question["answer_type"] != "arithmetic" or not isinstance(
            question["answer"], int | float
        ):
            continue
        random = Random(f"{seed} {question['uid']}")  # noqa: S311 - the same pairs every time
        value, scale = Decimal(str(question["answer"])), question["scale"]
        digits = f"{abs(value):,}"
        wrong = transposed(digits, [], random) or _off(digits, random)
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
        pair = _pair(
            it,
            "derived asked",
            Cell("", 0, value, "", percent=False),
            _Edit(*texts, question["question"]),
            random,
        )
        yield pair


# ── sentences of prose, edited in place ───────────────────────────────────────────────────────

_MONEY: Final = re.compile(
    r"(?P<currency>[$€£])\s?(?P<digits>\d[\d,.]*\d)(?P<scale>\s(?:million|billion|thousand))?"
)
_PERCENT: Final = re.compile(r"(?P<digits>\d+(?:\.\d+)?)(?P<sign>\s?%)(?!\w)")
_YEAR: Final = re.compile(r"(?<![\w$,.])(?:19|20)\d{2}(?![\w,.%]\d)(?!\w)")
_QUARTER: Final = re.compile(r"\b(?P<word>first|second|third|fourth)(?=[\s-]quarter)")
_DIRECTION: Final = re.compile(
    r"\b(?:increased|decreased|rose|fell|grew|declined|increase|decrease)\b"
)
_OPPOSITE: Final = {
    "increased": "decreased", "decreased": "increased", "rose": "fell", "fell": "rose",
    "grew": "declined", "declined": "grew", "increase": "decrease", "decrease": "increase",
}  # fmt: skip
_NEXT_QUARTER: Final = {"first": "second", "second": "third", "third": "fourth", "fourth": "third"}


def prose_pairs(
    sentence: str, passage: str, group: str, source: str, question: str = "", seed: int = 7
) -> Iterator[Pair]:
    """Return the pairs that edits of one sentence make; it stands in the passage, or is true of it."""
    random = Random(f"{seed} {sentence}")  # noqa: S311 - the same pairs every time
    for kind, edit in _PROSE_EDITS.items():
        wrong = edit(sentence, random)
        if wrong and wrong != sentence and not _stands(wrong, passage):
            yield Pair(kind, group, source, question, (passage,), sentence, wrong)


def _stands(text: str, passage: str) -> bool:
    return " ".join(text.split()) in " ".join(passage.split())


def _replaced(match: re.Match[str] | None, group: str, text: str) -> str | None:
    if match is None or match[group] is None:
        return None
    return match.string[: match.start(group)] + text + match.string[match.end(group) :]


def _prose_scale(sentence: str, _: Random) -> str | None:
    match = next((m for m in _MONEY.finditer(sentence) if m["scale"]), None)
    scale = match["scale"].strip() if match and match["scale"] else ""
    return _replaced(match, "scale", f" {_OTHER_SCALE[scale]}") if scale else None


def _prose_year(sentence: str, random: Random) -> str | None:
    years = list(_YEAR.finditer(sentence))
    if not years or not (_MONEY.search(sentence) or _PERCENT.search(sentence)):
        return None
    match = random.choice(years)
    return sentence[: match.start()] + str(int(match[0]) - 1) + sentence[match.end() :]


def _prose_digits(sentence: str, random: Random) -> str | None:
    for pattern in (_MONEY, _PERCENT):
        for match in pattern.finditer(sentence):
            if wrong := transposed(match["digits"], [], random):
                return _replaced(match, "digits", wrong)
    return None


def _prose_sign(sentence: str, _: Random) -> str | None:
    found = [m for m in _DIRECTION.finditer(sentence)]
    if len(found) != 1 or not (_MONEY.search(sentence) or _PERCENT.search(sentence)):
        return None
    match = found[0]
    return sentence[: match.start()] + _OPPOSITE[match[0]] + sentence[match.end() :]


_PROSE_EDITS: Final[Mapping[str, Callable[[str, Random], str | None]]] = {
    "scale": _prose_scale,
    "year": _prose_year,
    "quarter": lambda s, _: (
        (m := _QUARTER.search(s)) and _replaced(m, "word", _NEXT_QUARTER[m["word"]])
    ),
    "basis": lambda s, r: _replaced(_PERCENT.search(s), "sign", r.choice(_BASIS)[1]),
    "currency": lambda s, r: (
        (m := _MONEY.search(s))
        and _replaced(m, "currency", r.choice([c for c in "$€£" if c != m["currency"]]))
    ),
    "digits": _prose_digits,
    "sign": _prose_sign,
}
