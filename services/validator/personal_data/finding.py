"""One find of personal data."""

from dataclasses import dataclass
from typing import Final

WORDS: Final = {
    "CREDIT_CARD": "card number",
    "IBAN_CODE": "bank account (IBAN)",
    "US_SSN": "social security number",
    "EMAIL_ADDRESS": "e-mail address",
    "PHONE_NUMBER": "phone number",
    "IP_ADDRESS": "IP address",
    "URL": "web address",
    "DATE_TIME": "date",
    "PERSON": "name of a person",
    "LOCATION": "place",
}
"""The types, named as Presidio names them, in the order in which they win where two overlap."""


@dataclass(frozen=True, slots=True)
class PersonalData:
    """Where something of a type stands. `identity` is the same for every way to write it."""

    type: str
    start: int
    end: int
    identity: str
    score: float = 1.0

    def overlaps(self, other: "PersonalData") -> bool:
        """Whether both have characters in common."""
        return self.start < other.end and other.start < self.end
