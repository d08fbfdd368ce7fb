"""Personal data in a text: e-mail addresses, phone, card and account numbers, US SSNs.

Numbers that carry a check are reported only when it holds.
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


def find(text: str) -> list[PersonalData]:
    """Return what looks like personal data in a text, in no particular order."""
    return [*_emails(text), *_cards(text), *_ibans(text), *_ssns(text), *_phones(text)]


_EMAIL: Final = re.compile(
    r"(?<![\w.+-])[\w.%+'-]{1,64}@(?:[^\W_](?:[\w-]{0,62})\.){1,8}[^\W\d_]{2,24}(?![\w-])"
)


def _emails(text: str) -> Iterator[PersonalData]:
    if "@" not in text:
        return
    for match in _EMAIL.finditer(text):
        yield PersonalData("e-mail address", match.start(), match.end(), match[0].lower())


_CARD: Final = re.compile(r"(?<![\d.,-])[2-6](?:[ -]?\d){12,18}(?![\d]|[.,-]\d)")


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


# phonenumbers takes 15 µs a character, so it sees only what has the digits of a phone number
_PHONE: Final = re.compile(r"(?<![\w.,/])(?:\+|\(?\d)(?:[ ().\-/]{0,3}\d){6,15}(?![\w]|[.,/]\d)")


def _phones(text: str) -> Iterator[PersonalData]:
    for candidate in _PHONE.finditer(text):
        written = candidate[0]
        if written.count("(") > written.count(")"):
            written = written.replace("(", " ", 1)  # it opened before the number
        if written.strip().isdigit():
            continue  # without any grouping or '+', it is as likely any other number
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
