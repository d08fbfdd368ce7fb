"""Phone numbers, and numbers that a word before them calls what they are.

Presidio's phone recogniser takes any grouped digits for a phone number, and filings are full of
them; here a bare figure is none.
"""

import re
from collections.abc import Iterator
from typing import Final

import phonenumbers

from services.validator.personal_data.finding import PersonalData

_PHONE_REGIONS: Final = ("US", "GB")
"""Whose national way to write a number is known; any other needs its '+' and country code."""
_DIGITS: Final = re.compile(r"\d(?:[ ().\-/]{0,3}\d){5}")
"""What all of them have: six digits and more, with no comma between."""


def find(text: str) -> list[PersonalData]:
    """Return the phone numbers and what is called one, or a social security number."""
    if not _DIGITS.search(text):
        return []
    found = list(_phones(text))
    named = [*_named_ssns(text), *_named_phones(text), *_reached(text)]
    return found + [each for each in named if not any(map(each.overlaps, found))]


_NAMED_SSN: Final = re.compile(
    r"(?<!\w)(?:SSN|social[ -]security[ -](?:number|no\b\.?))(?:\s?[:#=]|\s(?:is|no\b\.?))?\s{0,2}"
    r"(\d{3}[ .-]?\d{2}[ .-]?\d{4})(?![\w-]|[.,]\d)",
    re.IGNORECASE,
)


def _named_ssns(text: str) -> Iterator[PersonalData]:
    """Yield what is called an SSN, in any spelling, and whether or not it was ever issued."""
    for match in _NAMED_SSN.finditer(text):
        compact = re.sub(r"\D", "", match[1])
        yield PersonalData("US_SSN", match.start(1), match.end(1), compact)


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
                yield PersonalData("PHONE_NUMBER", start, start + len(match.raw_string), identity)
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
_DATE: Final = re.compile(r"\d{1,2}([./-])\d{1,2}\1\d{4}(?!\d)|(?:19|20)\d\d-\d\d-\d\d")


def _named_phones(text: str) -> Iterator[PersonalData]:
    """Yield what is called a phone number and is too bare, or too foreign, to be found alone."""
    for match in _NAMED_PHONE.finditer(text):
        written = match[1]
        identity = _possible(written)
        if identity is None and _TRUNK_PREFIX.match(written) and not _DATE.match(written):
            identity = re.sub(r"\D", "", written)
        if identity is not None:
            yield PersonalData("PHONE_NUMBER", match.start(1), match.end(1), identity)


_NUMBER: Final = (
    r"(?<![\w.,/])\+?\(?\d(?:[ ().\-/]{0,3}\d){5,14}(?:\s?(?:x|ext\.?)\s?\d{1,5})?(?![\w]|[.,/]\d)"
)
_REACHED: Final = re.compile(
    r"(?:(?<!\w)(?:tel(?:ephone)?|(?:tele|cell)?phone|mobile|cell|fax)(?:\s(?:no\.?|number))?\s?:\s{0,3}"
    r"|\b(?:call|reach|contact|text|ring|phone|answering|messages?)\b[^.,;\n\d]{0,20}?\b(?:at|on|to)\s{1,2}"
    r"|\bregistered(?:\s(?:phone|mobile|number)){0,2}\s)"
    rf"(?P<after>{_NUMBER})|(?P<before>{_NUMBER})\s?-\s?(?:office|fax|mobile|home|cell|desk|work|direct)\b",
    re.IGNORECASE,
)
_DECIMAL: Final = re.compile(r"\d\.\d{1,2}(?!\d)")


def _reached(text: str) -> Iterator[PersonalData]:
    """Yield what somebody is to be called at, in whatever country's way it is written."""
    for match in _REACHED.finditer(text):
        group = "after" if match["after"] else "before"
        written = match[group]
        grouped = not written.isdigit() or written.startswith("0")
        decimal = _DECIMAL.search(written) and " " in written
        if grouped and not decimal and not _DATE.match(written):
            identity = re.sub(r"\D", "", written)
            yield PersonalData("PHONE_NUMBER", match.start(group), match.end(group), identity)


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
