"""Worked answers made from TAT-QA's arithmetic questions: the figures, the sum, the result.

People's derivations give right ones. A wrong one takes its figures from another company's table,
the wrong year or row, miscopies a digit, or miscalculates: what models do that read the wrong page
or slip. Public sets of model answers with labels and a free licence have next to no worked answers.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from pathlib import Path
from random import Random
from typing import Any, Final

from evals.cells import RENDERINGS
from evals.sets import Example

_NUMBER: Final = re.compile(r"(?<![\w.,])\d[\d,]*(?:\.\d+)?")
_YEAR: Final = re.compile(r"(?:19|20)\d\d")
_ASKS: Final = re.compile(r"(?i)^\s*(?:what|how much) (?:is|was|were|are) (?P<what>.+?)\s*\?*\s*$")
_PLAIN: Final = re.compile(r"[\d\s.()+*/-]+")
_OPENINGS: Final = (
    "To calculate {what}, we need the following figures from the table:",
    "Based on the information provided, {what} can be calculated as follows:",
    "To determine {what}, we use these figures from the report:",
    "From the financial statements provided, we have the following figures:",
)
_FORMULAS: Final = (
    "{derivation} = {answer}",
    "= {derivation}\n= {answer}",
    "{What} = {derivation} = {answer}",
)
_ENDINGS: Final = (
    "Therefore, {what} was {answer}.",
    "So {what} is {answer}.",
    "Therefore, {what} is approximately {answer}.",
    "In conclusion, {what} amounted to {answer}.",
)
_SHORT: Final = (
    "{What} was {answer}. This is calculated as {derivation} = {answer}.",
    "{What} was {answer}, computed from {listed}.",
    "Based on the table, {what} was {answer}.",
)


_WRONG: Final = 0.33
"""Wrong ones for each right one: three of four right, as in RAGTruth and FinQA together (0.77)."""


@dataclass(frozen=True)
class _Question:
    uid: str
    what: str
    question: str
    derivation: str
    answer: Decimal
    scale: str
    labels: dict[str, str]
    cells: Sequence[str]


def worked(path: Path, seed: int = 11) -> Iterator[Example]:
    """Return right and wrong worked answers, three of four right, from a file of TAT-QA."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    strange = [n for row in rows for n in _numbers(row["table"]["table"])]
    for row in rows:
        random = Random(f"{seed} {row['table']['uid']}")  # noqa: S311 - the same every time
        table = row["table"]["table"]
        render = RENDERINGS[random.choice(list(RENDERINGS))]
        texts = [p["text"] for p in row["paragraphs"]]
        passages = ("\n".join([*texts, render(table)]),)
        for question in _questions(row):
            right = _written(question, random)
            base = {
                "set": "worked",
                "group": row["table"]["uid"],
                "question": question.question,
                "passages": passages,
            }
            yield Example(id=f"worked-{question.uid}", answer=right, supported=True, **base)
            if random.random() < _WRONG:
                wrong = _wronged(question, right, strange, random)
                if wrong != right:
                    yield Example(
                        id=f"worked-{question.uid}-wrong", answer=wrong, supported=False, **base
                    )


def _questions(row: dict[str, Any]) -> Iterator[_Question]:
    table = row["table"]["table"]
    labels = _labels(table)
    for question in row["questions"]:
        asked = _ASKS.match(question["question"])
        if question["answer_type"] == "arithmetic" and asked and question["derivation"]:
            try:
                answer = Decimal(str(question["answer"]))
            except InvalidOperation:
                continue
            yield _Question(
                question["uid"],
                asked["what"],
                question["question"],
                question["derivation"],
                answer,
                question["scale"],
                labels,
                _numbers(table),
            )


def _labels(table: list[list[str]]) -> dict[str, str]:
    """Return for each number of a table its row's and column's name."""
    heads = [""] * max(map(len, table))
    labels: dict[str, str] = {}
    for row in table:
        for column, cell in enumerate(row):
            if _YEAR.search(cell) and len(cell) < 40:  # noqa: PLR2004 - a head, not a sentence
                heads[column] = _YEAR.findall(cell)[-1]
            elif column:
                for number in _NUMBER.findall(cell):
                    labels.setdefault(number, f"{row[0]} {heads[column]}".strip())
    return labels


def _numbers(table: list[list[str]]) -> list[str]:
    found = [n for row in table for cell in row[1:] for n in _NUMBER.findall(cell)]
    return [n for n in found if not _YEAR.fullmatch(n)]


def _result(question: _Question, value: Decimal | None = None) -> str:
    value = question.answer if value is None else value
    unit = "%" if question.scale == "percent" else f" {question.scale}" if question.scale else ""
    sign = "-" if value < 0 else ""
    return f"{sign}{abs(value):,}{unit}"


def _written(question: _Question, random: Random, answer: str = "") -> str:
    answer = answer or _result(question)
    used = [n for n in _NUMBER.findall(question.derivation) if len(n) > 1 and n != "100"]
    listed = [f"{question.labels.get(n) or 'the figure given'}: {n}" for n in dict.fromkeys(used)]
    facts = {
        "what": question.what,
        "What": question.what[:1].upper() + question.what[1:],
        "derivation": question.derivation.strip(),
        "answer": answer,
        "listed": " and ".join(listed),
    }
    if random.random() < 0.35:  # noqa: PLR2004 - some are short
        return random.choice(_SHORT).format(**facts)
    marks = random.choice(("- ", "* ", ""))
    parts = [
        random.choice(_OPENINGS).format(**facts),
        "\n".join(f"{marks}{line}" for line in listed),
        random.choice(_FORMULAS).format(**facts),
        random.choice(_ENDINGS).format(**facts),
    ]
    return "\n\n".join(parts)


def _wronged(question: _Question, right: str, strange: Sequence[str], random: Random) -> str:
    way = random.random()
    if way < 0.2:  # noqa: PLR2004 - miscalculated
        factor = random.choice((Decimal("1.1"), Decimal("0.9"), Decimal(2), Decimal("-1.3")))
        value = (question.answer * factor).quantize(Decimal("0.01"), ROUND_HALF_UP)
        return _written(question, random, _result(question, value))
    inputs = [n for n in dict.fromkeys(_NUMBER.findall(question.derivation)) if len(n) > 1]
    pool = strange if way < 0.7 else question.cells  # noqa: PLR2004 - mostly another company's
    swaps = dict(zip(inputs, random.choices(pool, k=len(inputs)), strict=True)) if pool else {}
    if way > 0.85 and inputs:  # noqa: PLR2004 - a digit miscopied
        one = random.choice(inputs)
        at = random.randrange(len(one))
        swaps = {
            one: one[:at]
            + (str((int(one[at]) + 3) % 10) if one[at].isdigit() else one[at])
            + one[at + 1 :]
        }
    text = _NUMBER.sub(lambda m: swaps.get(m[0], m[0]), right)
    result = _value(_NUMBER.sub(lambda m: swaps.get(m[0], m[0]), question.derivation))
    if result is not None:
        if question.scale == "percent" and abs(result) < 5:  # noqa: PLR2004 - a fraction
            result *= 100
        text = text.replace(_result(question), _result(question, result.quantize(Decimal("0.01"))))
    return text


def _value(derivation: str) -> Decimal | None:
    plain = (
        derivation.replace(",", "")
        .replace("[", "(")
        .replace("]", ")")
        .replace("%", "")
        .replace("$", "")
    )
    if not _PLAIN.fullmatch(plain) or "**" in plain or "//" in plain:
        return None
    try:
        return Decimal(str(eval(plain, {"__builtins__": {}}, {})))  # noqa: S307 - digits and signs only, of a data set
    except (ArithmeticError, SyntaxError, TypeError, ValueError):
        return None
