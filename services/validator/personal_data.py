"""Personal data in a text: e-mail addresses, phone, card and account numbers, US SSNs.

Numbers that carry a check are reported only when it holds. A number that could as well be a figure
is reported where a word before it says what it is.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import phonenumbers
from stdnum import iban, luhn
from stdnum.us import ssn

_PHONE_REGIONS: Final = ("US", "GB")
"""Whose national way to write a number is known; any other needs its '+' and country code."""


@dataclass(frozen=True, slots=True)
class PersonalData:
    """One find. `identity` is the same for every way to write the same thing."""

    kind: str
    start: int
    end: int
    identity: str

    def overlaps(self, other: "PersonalData") -> bool:
        """Whether both have characters in common."""
        return self.start < other.end and other.start < self.end


def find(text: str) -> list[PersonalData]:
    """Return what looks like personal data in a text, in no particular order."""
    found = [*_emails(text), *_cards(text), *_ibans(text), *_ssns(text), *_phones(text)]
    named = [*_named_ssns(text), *_named_phones(text)]
    return found + [each for each in named if not any(map(each.overlaps, found))]


_EMAIL: Final = re.compile(
    r"(?<![\w.+-])[\w.%+'-]{1,64}@(?:[^\W_](?:[\w-]{0,62})\.){1,8}[^\W\d_]{2,24}(?![\w-])"
)


def _emails(text: str) -> Iterator[PersonalData]:
    if "@" not in text:
        return
    for match in _EMAIL.finditer(text):
        yield PersonalData("e-mail address", match.start(), match.end(), match[0].lower())


_CARD: Final = re.compile(
    r"(?<![\d.,-])(?:[2-6](?:[ -]?\d){12,18}"
    # with dots only in a card's own groups: a decimal fraction has as many digits
    r"|[2-6]\d{3}(?:\.\d{4}){3}|3\d{3}\.\d{6}\.\d{5})(?![\d]|[.,-]\d)"
)


def _cards(text: str) -> Iterator[PersonalData]:
    for match in _CARD.finditer(text):
        digits = re.sub(r"\D", "", match[0])
        if luhn.is_valid(digits):
            yield PersonalData("card number", match.start(), match.end(), digits)


_IBAN: Final = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}(?:[ -]?[A-Za-z0-9]){11,30}")
_SHORTEST_IBAN: Final = 15


def _ibans(text: str) -> Iterator[PersonalData]:
    for match in _IBAN.finditer(text):
        # the next word may look like more of it: the country's length decides
        for end in range(match.end(), match.start() + _SHORTEST_IBAN - 1, -1):
            compact = re.sub(r"[ -]", "", text[match.start() : end]).upper()
            if text[end - 1].isalnum() and iban.is_valid(compact, check_country=False):
                yield PersonalData("bank account (IBAN)", match.start(), end, compact)
                break


_SSN: Final = re.compile(r"(?<![\w-])\d{3}([- ])\d{2}\1\d{4}(?![\w-])")


def _ssns(text: str) -> Iterator[PersonalData]:
    for match in _SSN.finditer(text):
        compact = re.sub(r"\D", "", match[0])
        if ssn.is_valid(compact):  # never issued: areas 000, 666, 9xx; group 00; serial 0000
            yield PersonalData("social security number", match.start(), match.end(), compact)


_NAMED_SSN: Final = re.compile(
    r"(?<!\w)(?:SSN|social[ -]security[ -](?:number|no\b\.?))(?:\s?[:#=]|\s(?:is|no\b\.?))?\s{0,2}"
    r"(\d{3}[ .-]?\d{2}[ .-]?\d{4})(?![\w-]|[.,]\d)",
    re.IGNORECASE,
)


def _named_ssns(text: str) -> Iterator[PersonalData]:
    """Yield what is called an SSN, in any spelling, and whether or not it was ever issued."""
    for match in _NAMED_SSN.finditer(text):
        compact = re.sub(r"\D", "", match[1])
        yield PersonalData("social security number", match.start(1), match.end(1), compact)


# phonenumbers takes 15 µs a character, so it sees only what has the digits of a phone number
_PHONE: Final = re.compile(r"(?<![\w.,/])(?:\+|\(?\d)(?:[ ().\-/]{0,3}\d){6,15}(?![\w]|[.,/]\d)")


def _phones(text: str) -> Iterator[PersonalData]:
    for candidate in _PHONE.finditer(text):
        written = candidate[0]
        if written.count("(") > written.count(")"):
            written = written.replace("(", " ", 1)  # it opened before the number
        if written.strip().replace(".", "", 1).isdigit():
            continue  # without any grouping or '+', it is as likely any other number, or a decimal
        for region in _PHONE_REGIONS:
            if match := next(_matches(written, region), None):
                start = candidate.start() + match.start
                identity = phonenumbers.format_number(
                    match.number, phonenumbers.PhoneNumberFormat.E164
                )
                yield PersonalData("phone number", start, start + len(match.raw_string), identity)
                break


def _matches(written: str, region: str) -> Iterator[phonenumbers.PhoneNumberMatch]:
    return iter(
        phonenumbers.PhoneNumberMatcher(
            written, region, leniency=phonenumbers.Leniency.STRICT_GROUPING
        )
    )


_NAMED_PHONE: Final = re.compile(
    r"(?<!\w)(?:tel(?:ephone|efon)?|phone|mobile|fax)\b\.?(?:\s(?:no|nr|number)\b\.?)?"
    r"(?:\s?[:#=]|\s(?:is|at)\b)?\s{0,2}(\+?\(?\d(?:[ ().\-/]{0,3}\d){6,14})(?![\w]|[.,/-]\d)",
    re.IGNORECASE,
)
_TRUNK_PREFIX: Final = re.compile(r"\(?0\d")  # no figure is written with a leading zero
_DATE: Final = re.compile(r"\d{1,2}([./-])\d{1,2}\1\d{4}(?!\d)")


def _named_phones(text: str) -> Iterator[PersonalData]:
    """Yield what is called a phone number and is too bare, or too foreign, to be found alone."""
    for match in _NAMED_PHONE.finditer(text):
        written = match[1]
        identity = _possible(written)
        if identity is None and _TRUNK_PREFIX.match(written) and not _DATE.match(written):
            identity = re.sub(r"\D", "", written)
        if identity is not None:
            yield PersonalData("phone number", match.start(1), match.end(1), identity)


def _possible(written: str) -> str | None:
    """Return a number that is written without groups, or with its country's code, in E.164."""
    if not (written.isdigit() or written.startswith("+")):
        return None
    for region in _PHONE_REGIONS:
        try:
            number = phonenumbers.parse(written, region)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_valid_number(number):
            return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return None
