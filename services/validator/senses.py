"""Whether a question's only word is meant in an answer as it is in the question.

A question of many words is taken up by several of them. One that has a single word of content
("Who is on call?") is taken up by that word alone, and a text that has it in another part of speech
("Call the desk on business days") is about something else. Told by the words on its sides, in
the one direction that is sure: asked for as a noun, and said as a verb wherever it is said. A noun
for a verb is how most answers go ("What does it cost?": "The cost is 5").
"""

from typing import Final

from services.validator.grounding.words import Words
from services.validator.sentences import sentences

_OF_NOUNS: Final = "a an the this that these those my your his her its our their any each every all"
_PREPOSITIONS: Final = "on in at of for under off by with without from into out"
_OF_VERBS: Final = (
    "to please not never and or then you we they i can could may might must shall should will would"
)
_PRONOUNS: Final = "me you him us them it"
_BEFORE_NOUNS: Final = frozenset(f"{_OF_NOUNS} {_PREPOSITIONS} some no".split())
_BEFORE_VERBS: Final = frozenset(_OF_VERBS.split())
_OBJECTS: Final = frozenset(f"{_OF_NOUNS} {_PRONOUNS}".split())


def other_sense(question: str, answer: str) -> tuple[str, str] | None:
    """Return how a question has its only word of content and how the answer has it, if in another.

    None where the word is meant alike, where the answer has it nowhere, where it cannot be told,
    and where the question has more words of content than one.
    """
    asked = Words.of(question)
    places = [place for place, says in enumerate(asked.says) if says]
    if len({asked.stems[place] for place in places}) != 1:
        return None
    place = places[0]
    if place == 0 or asked.written[place - 1] not in _BEFORE_NOUNS:
        return None
    said = None
    for sentence in sentences(answer):
        words = Words.of(sentence.text)
        for at, stem in enumerate(words.stems):
            if stem != asked.stems[place]:
                continue
            if not _is_verb(words, at):
                return None
            said = said or " ".join(words.written[at : at + 2])
    return None if said is None else (" ".join(asked.written[place - 1 : place + 1]), said)


def _is_verb(words: Words, at: int) -> bool:
    """Say whether a word is surely a verb: it begins or follows what verbs do, with an object."""
    starts = at == 0 or words.written[at - 1] in _BEFORE_VERBS
    after = words.written[at + 1] if at + 1 < len(words.written) else ""
    return starts and (after in _OBJECTS or after[:1].isdigit())
