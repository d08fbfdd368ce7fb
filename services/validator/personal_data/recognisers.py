"""Presidio's recognisers with checksums and patterns, tuned where they cost more than they bring.

They are called one by one, each only on a text that has what it looks for, and without Presidio's
language pipeline: half a millisecond an answer instead of ten. docs/adr/0014 says why.
"""

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from presidio_analyzer import (
    EntityRecognizer,
    Pattern,
    PatternRecognizer,
    RecognizerResult,
)
from presidio_analyzer.predefined_recognizers import (
    CreditCardRecognizer,
    EmailRecognizer,
    IbanRecognizer,
    IpRecognizer,
    UrlRecognizer,
    UsSsnRecognizer,
)
from stdnum import iban
from stdnum.us import ssn

from services.validator.personal_data.finding import PersonalData

_MORE_BEFORE: Final = re.compile(r"\d[.:]?\Z")
_MORE_AFTER: Final = re.compile(r"[.:]?\d")
_NO_PIPELINE: Final[Any] = None
"""Pattern recognisers read no tokens, whatever their types say."""
_SHORTEST_HOST: Final = 3
_LEAST_SCORE: Final = 0.4
"""Presidio's weak patterns (nine digits are an SSN) score less."""


@dataclass(frozen=True, slots=True)
class _Recogniser:
    type: str
    presidio: EntityRecognizer
    glance: re.Pattern[str]
    """What a text must have for the recogniser to be worth its time."""
    identity: Callable[[str], str]


def find(text: str, types: Collection[str]) -> Iterator[PersonalData]:
    """Yield what the recognisers of these types find in a text."""
    for each in _recognisers():
        if each.type in types and each.glance.search(text):
            for found in each.presidio.analyze(text, [each.type], _NO_PIPELINE):
                if found.score >= _LEAST_SCORE:
                    written = text[found.start : found.end]
                    identity = each.identity(written)
                    yield PersonalData(each.type, found.start, found.end, identity, found.score)


@cache
def _recognisers() -> tuple[_Recogniser, ...]:
    digits = re.compile(r"\d(?:[ .-]?\d){8}")
    address = re.compile(r"\d\.\d{1,3}\.\d{1,3}\.\d|:[0-9A-Fa-f]{0,4}:")
    return (
        _Recogniser("EMAIL_ADDRESS", _Emails(), re.compile("@"), str.lower),
        _Recogniser("CREDIT_CARD", _cards(), digits, _digits),
        _Recogniser("IBAN_CODE", _Ibans(), re.compile(r"\d\d(?<=[A-Za-z]{2}\d\d)"), _compact),
        _Recogniser("US_SSN", _Ssns(), digits, _digits),
        _Recogniser("URL", _Urls(), re.compile(r"://|\w\.[A-Za-z]{2}"), str.lower),
        _Recogniser("IP_ADDRESS", _Ips(), address, str.lower),
        _Recogniser("DATE_TIME", _dates(), re.compile(r"\d\d|day\b", re.IGNORECASE), str.lower),
    )


def _capitals(text: str) -> str:
    return text.upper() if text.isascii() else text


def _digits(written: str) -> str:
    return re.sub(r"\D", "", written)


def _compact(written: str) -> str:
    return re.sub(r"[ -]", "", written).upper()


class _Emails(EmailRecognizer):
    """Presidio's looks the domain up in a list that it fetches from the network; this does not."""

    PATTERNS = [  # noqa: RUF012 - Presidio's
        Pattern(
            "address",
            r"(?<![\w.+-])[\w.%+'-]{1,64}@(?:[^\W_](?:[\w-]{0,62})\.){1,8}[^\W\d_]{2,24}(?![\w-])",
            0.9,
        )
    ]

    def validate_result(self, pattern_text: str) -> bool:
        return ".." not in pattern_text


def _cards() -> CreditCardRecognizer:
    """Return Presidio's recogniser (Luhn's check), for all issuers' lengths, 12 to 19 digits."""
    pattern = Pattern(
        "card",
        r"(?<![\w.,-])(?:[2-6](?:[ -]?\d){12,18}|(?:1800|2131)(?:[ -]?\d){11}"
        r"|(?:5018|5020|5038|5893|6304|6759|676[1-3])(?:[ -]?\d){8}"
        # with dots only in a card's own groups: a decimal fraction has as many digits
        r"|[2-6]\d{3}(?:\.\d{4}){3}|3\d{3}\.\d{6}\.\d{5})(?![\d]|[.,-]\d)",
        0.5,
    )
    separators = [("-", ""), (" ", ""), (".", "")]
    return CreditCardRecognizer(patterns=[pattern], replacement_pairs=separators)


class _Ibans(IbanRecognizer):
    """Presidio's, with each country's length and own check digits as well."""

    def analyze(
        self,
        text: str,
        entities: list[str],
        nlp_artifacts: Any = _NO_PIPELINE,
        regex_flags: int | None = None,  # noqa: ARG002 - Presidio's
    ) -> list[RecognizerResult]:
        found = super().analyze(_capitals(text), entities, nlp_artifacts)
        return [
            each
            for each in found
            if iban.is_valid(_compact(text[each.start : each.end]), check_country=False)
        ]


class _Ssns(UsSsnRecognizer):
    """Presidio's, without numbers that are never issued: area 9xx, group 00, serial 0000."""

    def invalidate_result(self, pattern_text: str) -> bool:
        return bool(super().invalidate_result(pattern_text)) or not ssn.is_valid(
            _digits(pattern_text)
        )


class _Ips(IpRecognizer):
    """Presidio's, without what is a part of a longer number with dots."""

    def analyze(
        self,
        text: str,
        entities: list[str],
        nlp_artifacts: Any = _NO_PIPELINE,
        regex_flags: int | None = None,
    ) -> list[RecognizerResult]:
        found = super().analyze(text, entities, nlp_artifacts, regex_flags)
        return [
            each
            for each in found
            if not _MORE_BEFORE.search(text[max(each.start - 2, 0) : each.start])
            and not _MORE_AFTER.match(text, each.end)
            and text[each.start : each.end] != "::"
        ]


class _Urls(UrlRecognizer):
    """Presidio's, without what is a missing space after a full stop."""

    def validate_result(self, pattern_text: str) -> bool | None:
        if "://" in pattern_text or pattern_text.lower().startswith("www."):
            return None
        host = pattern_text.split("/", maxsplit=1)[0]
        ending = host.rsplit(".", 1)[-1]
        sound = ending.islower() and len(host) > len(ending) + _SHORTEST_HOST
        return None if sound and not host[0].isdigit() else False


def _dates() -> PatternRecognizer:
    """Return a recogniser of dates and times; Presidio's knows no time, no year and no weekday."""
    month = r"(?:jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec)[a-z]{0,6}\.?"
    time = r"(?:[ T]\d{1,2}:\d{2}(?::\d{2})?(?: ?[ap]\.?m\b)?)?"
    year = r"(?:19|20)\d{2}"
    numeric = rf"\d{{1,2}}[/.-]\d{{1,2}}[/.-](?:{year}|\d{{2}})"
    patterns = (
        rf"(?<![\d/.-])\d{{4}}-\d{{2}}-\d{{2}}{time}(?![\d/-])",
        rf"(?<![\d/.-])(?:{numeric}|\d{{4}}/\d{{1,2}}/\d{{1,2}}){time}(?![\d/]|[.-]\d)",
        rf"\b{month} \d{{1,2}}(?:st|nd|rd|th)?(?:,? {year})?\b",
        rf"\b\d{{1,2}}(?:st|nd|rd|th)? (?:of )?{month}(?:,? {year})?\b|\b{month},? {year}\b",
        r"\b(?:mon|tues|wednes|thurs|fri|satur|sun)day\b",
        rf"(?<![\w.,/$€£-]){year}(?!\w|[,.]\d|[ -]?(?:%|percent|million|billion|dollars|euros))",
    )
    named = [Pattern(f"date {at}", each, 0.6) for at, each in enumerate(patterns)]
    return PatternRecognizer(supported_entity="DATE_TIME", patterns=named)
