"""Words of a text as features see them: lower case, stemmed, content told from function words."""

import re
from collections.abc import Iterator
from itertools import compress, count
from typing import Final, NamedTuple, Self

import Stemmer

_STOPS: Final = (
    "a an the this that these those it its he she we they our their his her i me my you your us "
    "them and or but if then than so as at by for from in into of off on onto out over to with "
    "within is are was were be been being am do does did done has have had having will would shall "
    "should can could may might must about also such which who whom whose what when where while "
    "there here each both all any some more most other very per during between through not no nor "
    "only just however therefore thus how why up down"
)
STOP_WORDS: Final = frozenset(_STOPS.split())
_METHOD: Final = (
    "calculate calculated calculating calculation calculations compute computed computing formula "
    "divide divided dividing multiply multiplied multiplying subtract subtracted subtracting add "
    "adding added plus minus equal equals result results resulting value values figure figures "
    "number numbers given provided providing based following follows below above use used using "
    "information data answer question determine determined find found need needed step steps "
    "plug plugging therefore according context passage passages text document documents section "
    "respectively approximately round rounded rounding decimal decimals place places note noted "
    "mentioned mention stated states"
)
_METHOD_WORDS: Final = frozenset(_METHOD.split())
"""Words of how an answer is found and told: they claim nothing."""
_NEGATIONS_LIST: Final = (
    "not no never none nor neither without cannot unable lack lacks fail fails failed except "
    "unless barely hardly"
)
_NEGATIONS: Final = frozenset(_NEGATIONS_LIST.split())
_WORD: Final = re.compile(r"[^\W_]+(?:[-'\u2019.][^\W_]+)*+")
_ASCII_WORD: Final = re.compile(r"[A-Za-z0-9]+(?:[-'.][A-Za-z0-9]+)*+")
"""What `_WORD` is for ASCII, found in half the time."""


_IRREGULAR_LIST: Final = (
    "rise rose risen, fall fell fallen, grow grew grown, shrink shrank shrunk, lose lost, "
    "sell sold, buy bought, pay paid, hold held, make made, begin began begun, become became, "
    "spend spent, give gave given, take took taken, lead led, meet met, go went gone, come "
    "came, see saw seen, say said, tell told, keep kept, leave left, bring brought, build "
    "built, send sent, mean meant, find found, get got gotten, know knew known, think "
    "thought, write wrote written, win won, choose chose chosen, drive drove driven, feel "
    "felt, stand stood, understand understood, withdraw withdrew withdrawn, seek sought, "
    "teach taught, speak spoke spoken, break broke broken, wear wore worn, eat ate eaten, "
    "freeze froze frozen, throw threw thrown, run ran, sink sank sunk, child children, woman "
    "women, man men, person people, foot feet, tooth teeth, good better, bad worse"
)
_IRREGULAR: Final = {
    form: forms.split()[0] for forms in _IRREGULAR_LIST.split(",") for form in forms.split()
}


_stemmer: Final = Stemmer.Stemmer("english", 0)  # what is read is kept here: it needs no cache


def stem(word: str) -> str:
    """Return the stem of a lower-case word (Porter's second English stemmer).

    Common irregular forms are taken for their first one: 'rose' is 'rise'.
    """
    if word[-1].isdigit():
        return word  # its rules take off endings, and a figure has none
    stemmed: str = _stemmer.stemWord(_IRREGULAR.get(word, word))
    return stemmed


def _read(written: str) -> tuple[str, str, bool, bool]:
    """Return a word in lower case, its stem, whether it says what a text is about, and negates."""
    word = written.lower().replace("\u2019", "'")
    says = word not in STOP_WORDS and word not in _METHOD_WORDS and not word[0].isdigit()
    return word, stem(word.removesuffix("'s")), says, negates(word)


class _Readings(dict[str, tuple[str, str, bool, bool]]):
    """Words as they were read: looked up in half the time of what keeps count of use."""

    def __missing__(self, written: str) -> tuple[str, str, bool, bool]:
        """Read a new word."""
        if len(self) >= _MOST_READ:
            self.clear()
        reading = self[written] = _read(written)
        return reading


_MOST_READ: Final = 50_000
_reading: Final = _Readings().__getitem__


def places(text: str) -> list[tuple[int, int]]:
    """Return where the words of a text start and end."""
    return [match.span() for match in _WORD.finditer(text)]


class Words(NamedTuple):
    """The words of a stretch of text in their order: as written in lower case, and stemmed."""

    written: tuple[str, ...]
    stems: tuple[str, ...]
    says: tuple[bool, ...]
    """Of each whether it is no function word, no word of method and no number."""
    content: tuple[str, ...]
    """The stems of the words that say what the text is about, in order."""
    negations: tuple[int, ...]
    """The places of the words that negate."""

    @classmethod
    def of(cls, text: str) -> Self:
        """Read a text."""
        pattern = _ASCII_WORD if text.isascii() else _WORD
        words = list(map(_reading, pattern.findall(text)))
        if not words:
            return cls((), (), (), (), ())
        written, stems, says, negating = zip(*words, strict=True)
        negations = tuple(compress(count(), negating)) if True in negating else ()
        return cls(written, stems, says, tuple(compress(stems, says)), negations)

    def pieces(self, length: int) -> Iterator[Self]:
        """Return the words in pieces of at most so many."""
        if len(self.written) <= length:
            yield self
            return
        for start in range(0, len(self.written), length):
            end = start + length
            stems, says = self.stems[start:end], self.says[start:end]
            yield type(self)(
                self.written[start:end],
                stems,
                says,
                tuple(compress(stems, says)),
                tuple(place - start for place in self.negations if start <= place < end),
            )

    def grams(self, length: int) -> Iterator[tuple[str, ...]]:
        """Return all runs of so many stems."""
        return zip(*[self.stems[start:] for start in range(length)], strict=False)


def negates(word: str) -> bool:
    """Say whether a lower-case word negates."""
    return word in _NEGATIONS or word.endswith("n't")
