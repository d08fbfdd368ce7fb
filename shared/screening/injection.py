"""Prompt injection: whether a text tells the model what is not its to tell.

A question may ask for anything but another set of rules, a role, or what must stay inside; a
passage may ask for nothing. So the two are judged by two models, and a passage piece by piece.
"""

from collections import Counter
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import chain
from math import exp, log
from typing import Final

from shared.screening.features import stems, text_features, tokens, whole_features
from shared.screening.linear import Linear
from shared.screening.links import links_out
from shared.screening.patterns import Match, matches
from shared.screening.payloads import payloads
from shared.screening.plain import Plain, plain
from shared.screening.segments import segments

QUESTION_TOKENS: Final = 400
"""Words of a question that its model reads; the rules read all of it."""
_USUAL_PIECES: Final = 60
"""Pieces of a passage that the model's threshold is for."""
_CERTAIN: Final = 0.99
"""The score of what a rule finds that is enough alone."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One reason, and where in the text."""

    reason: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Screening:
    """What was found. `score` is from 0 to 1, and no calibrated probability."""

    flagged: bool
    score: float
    findings: tuple[Finding, ...] = ()

    @property
    def reasons(self) -> tuple[str, ...]:
        """Each reason once, in the order of the text."""
        return tuple(dict.fromkeys(finding.reason for finding in self.findings))


def screen_question(text: str, model: Linear | None = None) -> Screening:
    """Say whether a question is an attack on the model that is to answer it.

    `model` weighs its words; None is the one that comes with Glideslope.
    """
    read = plain(text)
    words = tokens(read.text)
    found = list(matches(read.text, set(words)))
    hidden = tuple(_hidden(read, set(words)))
    certain = [match for match in found if match.rule.alone]
    model = model or Linear.named("question")
    names = {match.rule.name for match in found}
    score = model.score(text_features(words[:QUESTION_TOKENS], names))
    if certain or hidden:
        shown = (*_findings(read, found), *hidden)
        return Screening(flagged=True, score=max(score, _CERTAIN), findings=shown)
    if score < model.threshold or not words:
        return Screening(flagged=False, score=score)
    whole = Finding("reads like an attack on the model", 0, len(text))
    return Screening(flagged=True, score=score, findings=(*_findings(read, found), whole))


def screen_passage(text: str, model: Linear | None = None) -> Screening:
    """Say whether somebody put an instruction or a request to a model into a document.

    `model` weighs each piece; None is the one that comes with Glideslope.
    """
    read = plain(text)
    bounds = list(segments(read.text))
    pieces = [read.text[start:end] for start, end in bounds]
    worded = [tokens(piece) for piece in pieces]
    contents = list(map(stems, worded))
    counts = Counter(chain.from_iterable(contents))
    recurring = {stem for stem, count in counts.items() if count > 1}
    # most documents have no place for any rule, and then no piece of them has
    everything = set(chain.from_iterable(worded))
    likely = [match.rule for match in matches(read.text, everything)]
    model = model or Linear.named("passage")
    threshold = _for_length(model.threshold, len(pieces))
    known = None if "<" in text else everything  # a tag is no piece, and hides words
    findings, best = list(_hidden(read, known)), 0.0
    for (start, _), piece, words, content in zip(bounds, pieces, worded, contents, strict=True):
        others = whole_features(piece, words, content, recurring)
        found = list(matches(piece, set(words), likely)) if likely else []
        for match in found:
            others[f"rule:{match.rule.name}"] = 1.0
        score = model.score_piece(words, others)
        if score < threshold and not found:  # as nearly all are
            best = max(best, score)
            continue
        certain = [match for match in found if match.rule.alone]
        best = max(best, score, _CERTAIN if certain else 0.0)
        findings += _findings(read, certain, start)
        if score >= threshold and not certain:
            bounds_there = read.span(start, start + len(piece))
            findings.append(Finding("asks for something inside a document", *bounds_there))
    findings += [
        Finding(f"{link.reason}: {link.host}", link.start, link.end)
        for link in links_out(text)
        if link.automatic and link.carries
    ]
    if findings and best < threshold:
        best = _CERTAIN
    return Screening(flagged=bool(findings), score=best, findings=tuple(findings))


def _for_length(threshold: float, pieces: int) -> float:
    """Return a threshold that holds for the whole of a long document as for a short one."""
    if pieces <= _USUAL_PIECES:
        return threshold
    odds = log(threshold / (1 - threshold)) + log(pieces / _USUAL_PIECES)
    return 1 / (1 + exp(-odds))


def _findings(read: Plain, found: list[Match], offset: int = 0) -> list[Finding]:
    return [
        Finding(match.rule.reason, *read.span(offset + match.start, offset + match.end))
        for match in found
    ]


def _hidden(read: Plain, words: AbstractSet[str] | None) -> Iterator[Finding]:
    """Yield what is written so that people do not see it, and what a code hides."""
    for hidden in read.hidden:
        yield Finding(hidden.reason, hidden.start, hidden.end)
    for payload in payloads(read.text, words):
        says = plain(payload.says).text
        if any(match.rule.alone for match in matches(says, set(tokens(says)))):
            where = read.span(payload.start, payload.end)
            yield Finding(f"instructions to the model in {payload.code}", *where)
