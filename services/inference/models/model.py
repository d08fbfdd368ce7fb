"""A call of a language model, and what runs it: one small protocol, whatever the provider."""

from dataclasses import dataclass
from typing import Final, Protocol

_CHARACTERS_A_TOKEN: Final = 4


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a model is told (`system`), and what it is asked (`user`)."""

    system: str
    user: str

    @property
    def characters(self) -> int:
        """How long it is."""
        return len(self.system) + len(self.user)


@dataclass(frozen=True, slots=True)
class Call:
    """One call. `model` is what the provider calls it; the whole answer may take `seconds`.

    `is_last` says that nobody else can be asked, so that it waits for a place as long as it may.
    """

    model: str
    prompt: Prompt
    max_output_tokens: int
    seconds: float
    temperature: float | None = None
    is_last: bool = False


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a call took. `is_estimate`: the provider did not say, so this is our guess."""

    input: int
    output: int
    is_estimate: bool = False


@dataclass(frozen=True, slots=True)
class Completion:
    """What a model said. `was_cut`: it was not done when `max_output_tokens` were used up.

    `model` is what the provider says has answered, `reason` its word for why the answer ended.
    """

    text: str
    tokens: Tokens
    was_cut: bool = False
    model: str | None = None
    reason: str | None = None


class Provider(Protocol):
    """An account, a region or a server that runs models.

    Implementations stream where the provider can, so that silence is noticed.
    """

    @property
    def system(self) -> str:
        """What kind it is: OpenTelemetry's `gen_ai.provider.name`, such as `aws.bedrock`."""

    async def complete(self, call: Call) -> Completion:
        """Make the call. Raises a `ModelError`, of which the text is never empty or filtered.

        A cancelled call is given up, whatever the provider goes on to do.
        """


def estimated(call: Call, output: str = "") -> Tokens:
    """Return a guess of what a call took: a token is about four characters of English.

    Source: https://help.openai.com/en/articles/4936856, for a rule of thumb.
    """
    return estimated_tokens(call.prompt.characters, len(output))


def estimated_tokens(read: int, written: int = 0) -> Tokens:
    """Return a guess of what so many characters took; see `estimated`."""
    return Tokens(
        -(-read // _CHARACTERS_A_TOKEN), -(-written // _CHARACTERS_A_TOKEN), is_estimate=True
    )
