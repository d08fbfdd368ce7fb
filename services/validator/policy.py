"""A release's own rules, and whether an answer keeps them."""

import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any, Final

from shared.policy import Policy

_LETTERS: Final = 40
"""Letters from which on a text's language can be told."""


def broken(policy: Policy, question: str, answer: str) -> Iterator[tuple[str, int, int]]:
    """Yield each rule that an answer breaks: what is wrong, and from where to where."""
    yield from _topics(policy, answer)
    yield from _disclaimers(policy, question, answer)
    yield from _length(policy, answer)
    yield from _language(policy, answer)
    if policy.abusive_language == "forbidden":
        yield from _abuse(answer)


def _topics(policy: Policy, answer: str) -> Iterator[tuple[str, int, int]]:
    for topic in policy.forbidden_topics or ():
        if found := phrases(topic.phrases).search(answer):
            yield f"it speaks of {topic.name} ('{found[0]}')", *found.span()


def _disclaimers(policy: Policy, question: str, answer: str) -> Iterator[tuple[str, int, int]]:
    said = " ".join(answer.casefold().split())
    for rule in policy.disclaimers or ():
        due = not rule.when or phrases(rule.when).search(f"{question}\n{answer}")
        if due and " ".join(rule.text.casefold().split()) not in said:
            yield f"the disclaimer is missing that begins '{rule.text[:60]}'", 0, 0


def _length(policy: Policy, answer: str) -> Iterator[tuple[str, int, int]]:
    words = len(answer.split())
    if policy.max_words is not None and words > policy.max_words:
        yield f"it has {words} words, the policy allows {policy.max_words}", 0, 0


def _language(policy: Policy, answer: str) -> Iterator[tuple[str, int, int]]:
    if policy.languages and sum(map(str.isalpha, answer)) >= _LETTERS:
        language = language_of(answer)
        if language not in policy.languages:
            yield f"it is in '{language}', the policy allows {', '.join(policy.languages)}", 0, 0


def language_of(text: str) -> str:
    """Return the ISO 639-1 code of a text's language, as py3langid sees it."""
    import py3langid  # noqa: PLC0415 - 20 MiB, for releases that name languages

    code: str = py3langid.classify(text)[0]
    return code


def _abuse(answer: str) -> Iterator[tuple[str, int, int]]:
    found = _filter().check_profanity(answer)
    for match in found.get("matches", ()):
        start = match["index"]
        yield "it has abusive language in it", start, start + len(match["word"])


@cache
def _filter() -> Any:
    from glin_profanity import Filter  # noqa: PLC0415 - its lists, for releases that ask for it

    return Filter({"languages": ["english"]})


def phrases(wanted: Iterable[str]) -> re.Pattern[str]:
    """Return a pattern that finds any of the phrases as whole words, in any case and spacing."""
    return _pattern(tuple(wanted))


@cache
def _pattern(wanted: tuple[str, ...]) -> re.Pattern[str]:
    each = (r"\s+".join(map(re.escape, phrase.split())) for phrase in wanted)
    return re.compile(rf"(?<!\w)(?:{'|'.join(each)})(?!\w)", re.IGNORECASE)
