"""Instructions in a code: Base64, hexadecimal, percent-encoding, shifted or spaced letters."""

import base64
import binascii
import re
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

_LONGEST: Final = 4_000
_READABLE_SHARE: Final = 0.9
_LEAST: Final = 8


@dataclass(frozen=True, slots=True)
class Payload:
    """What a stretch of a text says when it is decoded."""

    code: str
    start: int
    end: int
    says: str


def payloads(text: str, words: AbstractSet[str] | None = None) -> Iterator[Payload]:
    """Yield each encoded stretch that decodes to something readable.

    `words`: those of the text in lower case, where they are known already.
    """
    yield from _base64(text)
    yield from _hexadecimal(text)
    yield from _percent(text)
    yield from _spaced(text)
    yield from _leet(text)
    yield from _caesar(text, words)


def _readable(decoded: bytes) -> str | None:
    try:
        text = decoded.decode()
    except UnicodeDecodeError:
        return None
    if len(text) < _LEAST:
        return None
    plain = sum(character.isalpha() or character in " .,!?'\n" for character in text)
    return text if plain >= _READABLE_SHARE * len(text) else None


_RUN: Final = 16
_BASE64: Final = re.compile(rf"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{{{_RUN},{_LONGEST}}}={{0,2}}")


def _base64(text: str) -> Iterator[Payload]:
    if max(map(len, text.split()), default=0) < _RUN:
        return
    for found in _BASE64.finditer(text):
        run = found[0].rstrip("=")
        if run.isalpha() and (run.islower() or run.isupper()):
            continue  # a word
        try:
            decoded = base64.urlsafe_b64decode(
                run.replace("+", "-").replace("/", "_") + "=" * (-len(run) % 4)
            )
        except (binascii.Error, ValueError):
            continue
        if says := _readable(decoded):
            yield Payload("Base64", *found.span(), says)


_HEX: Final = re.compile(
    rf"(?<![0-9A-Za-z])(?:0x)?(?:[0-9A-Fa-f]{{2}}[ :]?){{10,{_LONGEST}}}(?![0-9A-Za-z])"
)
_MAYBE_HEX: Final = re.compile("[0-9A-Fa-f][0-9A-Fa-f](?:[ :]?[0-9A-Fa-f]{2}){3}")
"""Four bytes of it: this begins with a set of characters, and is looked for ten times as fast."""


def _hexadecimal(text: str) -> Iterator[Payload]:
    if not _MAYBE_HEX.search(text):
        return
    for found in _HEX.finditer(text):
        digits = re.sub(r"^0x|[ :]", "", found[0])
        if len(digits) % 2 == 0 and (says := _readable(bytes.fromhex(digits))):
            yield Payload("hexadecimal", *found.span(), says)


_ESCAPED: Final = re.compile("%[0-9A-Fa-f]{2}")
_ESCAPES: Final = 3
_PERCENT: Final = re.compile(
    rf"(?:[\w.+-]{{0,40}}%[0-9A-Fa-f]{{2}}){{{_ESCAPES},{_LONGEST}}}[\w.+-]{{0,40}}"
)


def _percent(text: str) -> Iterator[Payload]:
    if len(_ESCAPED.findall(text)) >= _ESCAPES:
        for found in _PERCENT.finditer(text):
            yield Payload("percent-encoding", *found.span(), unquote(found[0]).replace("+", " "))


_SPACED: Final = re.compile(r"(?<!\w)(?:[A-Za-z](?:[ .\-_*] ?)){5,200}[A-Za-z](?!\w)")
_MAYBE_SPACED: Final = re.compile(r"[ .\-_*][A-Za-z][ .\-_*] ?[A-Za-z][ .\-_*]")


def _spaced(text: str) -> Iterator[Payload]:
    if not _MAYBE_SPACED.search(text):
        return
    for found in _SPACED.finditer(text):
        words = re.split(r" {2,}", re.sub(r"[.\-_*]", " ", found[0]))
        yield Payload("spaced letters", *found.span(), " ".join(w.replace(" ", "") for w in words))


_LEET: Final = str.maketrans("0134578@$", "oieastbas")
_LEET_WORD: Final = re.compile(
    r"(?<!\w)(?=[A-Za-z@$]*[0134578@$])(?=[0-9@$]*[A-Za-z])[\w@$]{4,20}(?!\w)"
)
_LEET_WORDS: Final = 2
_MAYBE_LEET: Final = tuple(map(re.compile, ("[0-9@$][A-Za-z]", "[0134578@$](?<=[A-Za-z].)")))


def _leet(text: str) -> Iterator[Payload]:
    if (
        any(glance.search(text) for glance in _MAYBE_LEET)
        and len(_LEET_WORD.findall(text)) >= _LEET_WORDS
    ):
        says = _LEET_WORD.sub(lambda word: word[0].translate(_LEET), text)
        yield Payload("leetspeak", 0, len(text), says)


_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"
_TELLING: Final = ("ignore", "previous", "instructions", "password", "prompt")
"""Words of which an attack has one, and that no shift of the alphabet makes another word of."""


def _shift(by: int) -> dict[int, int]:
    turned = _LETTERS[by:] + _LETTERS[:by]
    return str.maketrans(_LETTERS + _LETTERS.upper(), turned + turned.upper())


_SHIFTED: Final = {word.translate(_shift(by)): by for by in range(1, 26) for word in _TELLING}
_LOWER: Final = re.compile(r"[a-z]+")
_SHIFTED_WORD: Final = re.compile(rf"(?<!\w)(?:{'|'.join(_SHIFTED)})(?!\w)", re.IGNORECASE)


def _caesar(text: str, words: AbstractSet[str] | None = None) -> Iterator[Payload]:
    # a hundred words are slow to search for, and fast to look up
    if _SHIFTED.keys().isdisjoint(words or _LOWER.findall(text.lower())):
        return
    if found := _SHIFTED_WORD.search(text):
        by = _SHIFTED[found[0].lower()]
        yield Payload("a shifted alphabet", 0, len(text), text.translate(_shift(26 - by)))
