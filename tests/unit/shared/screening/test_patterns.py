import re._parser as regex  # type: ignore[import-not-found] # what `re` itself reads a pattern with
from collections.abc import Callable, Iterable
from random import Random
from typing import Any

import pytest

from shared.screening.features import tokens
from shared.screening.patterns import RULES, Rule
from shared.screening.plain import plain

BEFORE = ("", "Hello. ", "xx\n", "X-", "(", '"', "日本 ")
AFTER = ("", " now", ".", "'s", "\u2019s", "!", "-x", ")")
OF_A_KIND = {"CATEGORY_SPACE": " ", "CATEGORY_DIGIT": "7"}
LONGEST = 6
"""So many times more than it must something is repeated at most."""

Parsed = Iterable[tuple[Any, Any]]


def written(parsed: Parsed, random: Random) -> str:
    """Write a text of the form of a parsed pattern; what may stand around it is not looked at."""
    return "".join(
        WRITERS[str(kind)](value, random) for kind, value in parsed if str(kind) in WRITERS
    )


def one_of(value: list[tuple[Any, Any]], random: Random) -> str:
    """Write one character of a set."""
    if str(value[0][0]) == "NEGATE":
        return random.choice("xyz ")
    return written([random.choice(value)], random)


def repeated(value: tuple[int, Any, Parsed], random: Random) -> str:
    """Write something several times, each time anew."""
    least, most, inner = value
    times = random.randint(least, min(most, least + LONGEST))
    return "".join(written(inner, random) for _ in range(times))


WRITERS: dict[str, Callable[[Any, Random], str]] = {
    "LITERAL": lambda value, random: random.choice((chr(value), chr(value).upper())),
    "NOT_LITERAL": lambda _, __: "x",
    "ANY": lambda _, random: random.choice("ab c"),
    "RANGE": lambda value, random: chr(random.randint(*value)),
    "CATEGORY": lambda value, _: OF_A_KIND.get(str(value), "w"),
    "IN": one_of,
    "BRANCH": lambda value, random: written(random.choice(value[1]), random),
    "SUBPATTERN": lambda value, random: written(value[-1], random),
    "MAX_REPEAT": repeated,
    "MIN_REPEAT": repeated,
}


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.words], ids=lambda rule: rule.name)
def test_the_words_of_a_rule_let_through_whatever_its_pattern_finds(rule: Rule) -> None:
    random = Random(rule.name)
    parsed = regex.parse(rule.pattern.pattern, rule.pattern.flags)
    texts = [
        plain(random.choice(BEFORE) + written(parsed, random) + random.choice(AFTER)).text
        for _ in range(400)
    ]
    found = [text for text in texts if rule.pattern.search(text)]
    assert found
    assert [text for text in found if not rule.find(text, set(tokens(text)))] == []
