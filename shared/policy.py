"""A release's own rules for its answers: data, so that no rule needs a new program.

Every field is optional and defaults to None, so that a manifest keeps its name when a later
version knows more of them.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Phrase = Annotated[str, StringConstraints(min_length=1, max_length=500, strip_whitespace=True)]
Phrases = Annotated[tuple[Phrase, ...], Field(min_length=1, max_length=1_000)]
PersonalDataType = Literal[
    "CREDIT_CARD",
    "DATE_TIME",
    "EMAIL_ADDRESS",
    "IBAN_CODE",
    "IP_ADDRESS",
    "LOCATION",
    "PERSON",
    "PHONE_NUMBER",
    "URL",
    "US_SSN",
]


class _Rule(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Topic(_Rule):
    """What an answer must not speak of: one of the phrases in it, as whole words, is enough."""

    name: str
    phrases: Phrases


class Disclaimer(_Rule):
    """What an answer must say, word for word; `when` limits it to where one of these stands."""

    text: Phrase
    when: Phrases | None = None


class Policy(_Rule):
    """The rules. What is not set is not asked for."""

    forbidden_topics: tuple[Topic, ...] | None = None
    disclaimers: tuple[Disclaimer, ...] | None = None
    max_words: Annotated[int, Field(ge=1)] | None = None
    languages: tuple[Annotated[str, StringConstraints(pattern=r"^[a-z]{2}$")], ...] | None = None
    """ISO 639-1; an answer of a few words is taken for any."""
    abusive_language: Literal["forbidden"] | None = None
    personal_data: tuple[PersonalDataType, ...] | None = None
    """The types that must not leave unless they were given; None is those that identify or reach
    a person. Empty: any may leave."""
    link_hosts: tuple[str, ...] | None = None
    """Hosts that an answer may link to and show images from."""
