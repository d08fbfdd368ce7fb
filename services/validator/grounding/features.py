"""What is measured of an answer's claims, and of the answer: the numbers that the model weighs.

Features are of the question, the answer and the passages only. Nothing counts list marks, opening
phrases or favourite words: on public data the author of an answer can be told by its style, and
that says nothing of the next author's answers.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import fsum, log, log1p, sqrt
from statistics import fmean
from typing import Final

from services.validator.findings import FigureFinding, Status
from services.validator.grounding.asking import fits_asked, must_be_computed
from services.validator.grounding.claim import Claim, Statement
from services.validator.grounding.lexicon import lexicon
from services.validator.grounding.source import GRAM_LENGTHS, Evidence, Stretch, pairs_of
from services.validator.grounding.words import STOP_WORDS, Words, negates, stem
from services.validator.units import UNIT_AFTER

Features = Mapping[str, float]

_LIMITING_LIST: Final = (
    "only except both all every none always never entire entirely sole solely exclusively "
    "guarantee guaranteed must least most any first best worst"
)
_LIMITING: Final = frozenset(_LIMITING_LIST.split())
_HEDGES_LIST: Final = (
    "may might could can likely possibly perhaps potentially approximately about around "
    "roughly suggest suggests appear appears seem seems expected expects"
)
_HEDGES: Final = frozenset(_HEDGES_LIST.split())
_OPENING_NAME: Final = re.compile(
    r"\W{0,3}((?:[A-Z][\w&'\u2019-]{1,40}+ ){1,4}[A-Z][\w&'\u2019-]{1,40})"
)
_NAME: Final = re.compile(r"[A-Z](?<=[a-z0-9,;)] .)[\w&'\u2019-]{0,40}")
_COUNTS_LIST: Final = (
    "size window_missing new new_same new_near new_bare opposite_near opposite negations "
    "negation_unbacked limits limits_new hedges names_missing names_away figures "
    "figures_wrong figures_unsure figures_misplaced figures_derived gap gap_pairs"
)
_COUNTS: Final = frozenset(_COUNTS_LIST.split())
"""Counts enter as log(1 + count): the tenth made-up word says less than the first."""
_NEAR: Final = 0.3
_NEARLY: Final = 0.75
_INEXACT: Final = 1e-9
"""By how much of themselves sums of floats may be off, and more."""
_RUN: Final = 3
"""Words in a row that are copied rather than met by chance."""
_SURE: Final = 0.5
"""A number in words, of nothing that is measured, is no wrong figure if it is found wrong with
less confidence: 'in four steps', 'the two' stand in no passage."""
_MEASURE: Final = re.compile(rf"\b{UNIT_AFTER}")
_FOLLOWING: Final = re.compile(r"(?:[\s-]{1,2}[A-Za-z]{1,20}){0,2}")
"""Where the unit of a number may stand that was read without one: 'nine working days'."""
_MISPLACED: Final = frozenset(
    {Status.ELSEWHERE_PERIOD, Status.ELSEWHERE_ROW, Status.UNIT, Status.SIGN, Status.SCALE}
)


def claim_features(statement: Statement, place: int) -> Features:
    """Measure the claim at a place of an answer."""
    claim, evidence, asked = statement.claims[place], statement.evidence, statement.asked
    content = frozenset(claim.content)
    size = max(1, len(content))
    shares, sums = evidence.shared(content)
    single, double = _nearest(content, shares, evidence)
    features = {
        "size": float(len(content)),
        "place": place / max(1, len(statement.claims) - 1),
        "asked": len(content & asked) / size,
        "window": len(content & double) / size,
        "window_missing": float(len(content) - len(content & double)),
        "sentence": len(content & single.content) / size if single else 0.0,
        "tfidf": _tfidf(content, sums, evidence),
        "refuses": float(claim.refuses),
    }
    features |= _copied(claim, evidence)
    features |= _unsupported(content, asked, double, evidence)
    features |= _modality(claim, content, single, evidence)
    features |= _names(claim, asked, single, evidence)
    features |= _figures(claim)
    return {name: log1p(value) if name in _COUNTS else value for name, value in features.items()}


def answer_features(statement: Statement, claims: Sequence[Features]) -> Features:
    """Measure the answer as a whole, given what was measured of its claims."""
    findings = [f for c in statement.claims for f in c.findings if f.status is not Status.ASKED]
    right = sum(_worth(finding) for finding in findings)
    words = sum(len(claim.words.written) for claim in statement.claims)
    computing = must_be_computed(statement.question, statement.evidence.words)
    figures = [finding for finding in findings if any(c.isdigit() for c in finding.text)]
    copied = any(f.status is Status.EXACT for f in findings)
    new = {s for c in statement.claims for s in c.content} - statement.evidence.words
    uncopied = fsum(
        len(claim.words.stems) * (1 - measured["covered"])
        for claim, measured in zip(statement.claims, claims, strict=True)
    )
    derived = any(f.status is Status.DERIVED for f in findings)
    return {
        "figures": log1p(len(figures)),
        "figures_right": right / len(findings) if findings else 0.8,
        "figures_wrong": log1p(sum(len(_wrong(claim)) for claim in statement.claims)),
        "figures_misplaced": log1p(sum(f.status in _MISPLACED for f in findings)),
        "names_missing": float(any(claim["names_missing"] for claim in claims)),
        "names_away": float(any(claim["names_away"] for claim in claims)),
        "derived": float(derived),
        "copied_not_computed": float(computing and copied and not derived),
        "sum_wrong": float(any(not equation.holds for equation in statement.sums)),
        "fits_asked": float(fits_asked(statement.question, statement.answer)),
        "unbacked": float(statement.is_unbacked),
        "new_words": log1p(len(new - statement.asked)),
        "uncopied": log1p(uncopied),
        "words": log(1 + words),
        "numbers_a_word": len(figures) / max(1, words),
        "asked_answered": _share(statement.asked, {s for c in statement.claims for s in c.content}),
        "asked_covered": _share(statement.asked, statement.evidence.words),
    }


def bare_features(
    statement: Statement, claims: Sequence[Features], answer: Features
) -> Features | None:
    """Measure what an answer has of bare figures as an answer by itself.

    What the rest computes rightly counts for them. None where it has no bare figures, or where
    nothing in it is in doubt: what is supported may make it surer.
    """
    places = statement.bare
    if not places or not (
        any(answer[name] > 0 for name in ("new_words", "figures_wrong", "names_away"))
        or any(claim[name] > 0 for claim in claims for name in ("negation_differs", "opposite"))
    ):
        return None
    bare = tuple(statement.claims[place] for place in places)
    part = replace(statement, answer=" ".join(claim.text for claim in bare), claims=bare)
    computed = {name: answer[name] for name in ("derived", "copied_not_computed")}
    return {**answer_features(part, [claims[place] for place in places]), **computed}


def _share(part: frozenset[str], whole: frozenset[str] | set[str]) -> float:
    return len(part & whole) / max(1, len(part))


def _wrong(claim: Claim) -> Sequence[FigureFinding]:
    """Return the claim's figures that are wrong."""
    return [
        finding
        for finding in claim.findings
        if not finding.status.is_right
        and (
            finding.confidence >= _SURE
            or any(map(str.isdigit, finding.text))
            or _is_measured(finding, claim)
        )
    ]


def _is_measured(finding: FigureFinding, claim: Claim) -> bool:
    """Say whether a figure is of time, money or another measure."""
    following = _FOLLOWING.match(claim.text, max(0, finding.end - claim.start))
    end = following.end() if following else len(claim.text)
    return _MEASURE.search(claim.text, max(0, finding.start - claim.start), end) is not None


def _worth(finding: FigureFinding) -> float:
    if finding.status is Status.DERIVED:
        return 0.5 + finding.confidence / 2
    return float(finding.status.is_right)


def _nearest(
    content: frozenset[str], shares: Sequence[int], evidence: Evidence
) -> tuple[Stretch | None, frozenset[str]]:
    """Return the sentence, and the one or two in a row, that share most with a claim.

    `shares`: how much of it each sentence has. Of several that share as much, the shortest, then
    the first by its words: the order of the passages must not matter.
    """
    contents = evidence.contents
    if not shares:
        return None, frozenset()
    most = max(shares)
    tied = [place for place, share in enumerate(shares) if share == most]
    single = tied[0] if len(tied) == 1 else min(tied, key=lambda place: _length(contents[place]))
    windows = [contents[single]]
    for one, two in evidence.neighbours if most else ():
        if shares[one] + shares[two] < most:
            continue
        share = len(content & (contents[one] | contents[two]))
        if share >= most:
            if share > most:
                most, windows = share, []
            windows.append(contents[one] | contents[two])
    window = windows[0] if len(windows) == 1 else min(windows, key=_length)
    return evidence.stretches[single], window


def _length(content: frozenset[str]) -> tuple[int, list[str]]:
    return len(content), sorted(content)


def _tfidf(content: frozenset[str], sums: Sequence[float], evidence: Evidence) -> float:
    """Return the cosine of the claim and its most similar sentence; `sums`: what each shares."""
    squares, norms = evidence.squares, evidence.norms
    about = [shared / length if shared else 0.0 for shared, length in zip(sums, norms, strict=True)]
    least = max(about, default=0.0) * (1 - _INEXACT)
    if least <= 0:
        return 0.0
    norm = sqrt(fsum([squares.get(stemmed, evidence.new) for stemmed in content]))
    # the order of a set differs from process to process: the best are added up exactly
    return max(
        fsum([squares[stemmed] for stemmed in content & evidence.contents[place]])
        / (norm * norms[place])
        for place, cosine in enumerate(about)
        if cosine >= least
    )


def _copied(claim: Claim, evidence: Evidence) -> Features:
    features = {}
    words = evidence.words
    for length, known in evidence.met(claim.words).items():
        features[f"grams_{length}"] = sum(known) / len(known) if known else 1.0
        if length == GRAM_LENGTHS[0]:
            features["copied"] = _longest(known) / max(1, len(claim.words.stems))
        if length == _RUN:
            features["covered"] = _covered(known) / max(1, len(claim.words.stems))
    pairs = evidence.pairs
    new = [pair not in pairs for pair in pairs_of(claim.content)]
    features["gap"] = float(_run([stemmed not in words for stemmed in claim.content]))
    features["gap_pairs"] = float(_run(new))
    features["pairs"] = new.count(False) / len(new) if new else 1.0
    return features


def _run(flags: Sequence[bool]) -> int:
    best = run = 0
    for flag in flags:
        run = run + 1 if flag else 0
        if flag:
            best = max(best, run)
    return best


def in_copied_runs(claim: Claim, evidence: Evidence) -> Sequence[bool]:
    """Say of each word of a claim whether it stands in a run of three that the passages have."""
    copied = [False] * len(claim.words.stems)
    for at, known in enumerate(evidence.met(claim.words)[_RUN]):
        if known:
            copied[at : at + _RUN] = [True] * _RUN
    return copied


def _covered(known: Sequence[bool]) -> int:
    """Return how many words stand in a run of three that the passages have."""
    covered = end = 0
    for at, is_known in enumerate(known):
        if is_known:
            covered += at + _RUN - max(end, at)
            end = at + _RUN
    return covered


def _longest(known: Sequence[bool]) -> int:
    run = _run(known)
    return run + 1 if run else 0


def _unsupported(
    content: frozenset[str], asked: frozenset[str], window: frozenset[str], evidence: Evidence
) -> Features:
    words, known = lexicon(), evidence.words
    new = [stemmed for stemmed in content if stemmed not in known and stemmed not in asked]
    same = [s for s in new if not words.same(s).isdisjoint(known)]
    near = [s for s in new if s not in same and not words.near(s).isdisjoint(known)]
    elsewhere = content - window
    covered = len(content) - sum(words.same(s).isdisjoint(window) for s in elsewhere)
    size = max(1, len(content))
    return {
        "new": float(len(new)),
        "new_share": len(new) / (size + 1),
        "new_same": float(len(same)),
        "new_near": float(len(near)),
        "new_bare": float(len(new) - len(same) - len(near)),
        "new_bare_share": (len(new) - len(same) - len(near)) / (size + 1),
        "window_same": covered / size,
        "opposite_near": float(
            sum(
                not opposite.isdisjoint(window) and opposite.isdisjoint(content)
                for s in elsewhere
                if (opposite := words.opposite(s))
            )
        ),
        "opposite": float(sum(not words.opposite(s).isdisjoint(known) for s in new)),
    }


def _modality(
    claim: Claim, content: frozenset[str], nearest: Stretch | None, evidence: Evidence
) -> Features:
    written = claim.words.written
    negations = claim.words.negations
    shared = len(content & nearest.content) / max(1, len(content)) if nearest else 0.0
    return {
        "negations": float(len(negations)),
        "negation_differs": float(
            nearest is not None and bool(negations) != nearest.negates and shared > _NEAR
        ),
        "negation_new": float(bool(negations) and not evidence.negates),
        "negation_unbacked": float(sum(_unbacked(claim.words, at, evidence) for at in negations)),
        "limits": float(sum(word in _LIMITING for word in written)),
        "limits_new": float(
            sum(word in _LIMITING and stem(word) not in evidence.words for word in written)
        ),
        "hedges": float(sum(word in _HEDGES for word in written)),
    }


def _unbacked(words: Words, at: int, evidence: Evidence) -> bool:
    """Say whether no sentence that negates has what stands right behind a negation."""
    following = [
        stemmed
        for word, stemmed in zip(
            words.written[at + 1 : at + 6], words.stems[at + 1 :], strict=False
        )
        if word not in STOP_WORDS and not negates(word)
    ][:2]
    return not any(
        stretch.negates and any(stemmed in stretch.content for stemmed in following)
        for stretch in evidence.stretches
    )


def _names(
    claim: Claim, asked: frozenset[str], single: Stretch | None, evidence: Evidence
) -> Features:
    """Count the claim's names that no passage has, and those that stand elsewhere in them.

    Elsewhere: not in the one sentence that has nearly all of the claim's other words.
    """
    written = [match[0] for match in _NAME.finditer(claim.text)]
    if opening := _OPENING_NAME.match(claim.text):  # one capital alone opens any sentence
        written.append(opening[1])
    names = {stemmed for name in written for stemmed in Words.of(name).content}
    rest = frozenset(claim.content) - names
    missing = [name for name in names if name not in evidence.words and name not in asked]
    away: list[str] = []
    if single is not None and len(rest & single.content) >= _NEARLY * max(1, len(rest)):
        away = [name for name in names if name in evidence.words and name not in single.content]
    return {"names_missing": float(len(missing)), "names_away": float(len(away))}


def _figures(claim: Claim) -> Features:
    counted = [finding for finding in claim.findings if finding.status is not Status.ASKED]
    wrong = _wrong(claim)
    right = sum(finding.status.is_right for finding in counted)
    return {
        "figures": float(len(counted)),
        "figures_wrong": float(len(wrong)),
        "figures_unsure": float(len(counted) - len(wrong) - right),
        "figures_wrong_share": len(wrong) / max(1, len(counted)),
        "figures_misplaced": float(sum(f.status in _MISPLACED for f in counted)),
        "figures_derived": float(sum(f.status is Status.DERIVED for f in counted)),
        "figures_surely": fmean(f.confidence if f.status.is_right else 0.0 for f in counted)
        if counted
        else 0.7,
    }
