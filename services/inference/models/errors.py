"""What can go wrong with a model, by what follows from it.

ModelError
├── ThrottledError          the provider asks for patience, or is given it: the next model answers
├── UnavailableError        down, refused, or failed before it began
│   └── DeniedError         the provider refuses us, until an operator mends it
│       └── UnknownProviderError    the settings do not have it
├── BrokenOffError          the connection ended in mid-answer
├── TimedOutError           the call took longer than it may
│   └── StalledError        no token came for too long
├── MalformedError          what came is not what the provider's protocol says
├── EmptyError              it answered with nothing
├── UnusableError           it answered, but not with claims and citations
├── RejectedError           the provider cannot take this request
│   └── ContextTooLongError the passages are too much for the model
├── ContentFilteredError    the provider's content filter, or a guardrail, stopped it
├── OverBudgetError         the call does not fit the tenant's budget; it was not made
└── DeadlineError           the asker's deadline has come

A message tells what to do, and never repeats what was asked or answered.
"""

from collections.abc import Iterable
from typing import ClassVar

from services.inference.models.model import Tokens


class ModelError(Exception):
    """Base of all of them. `tokens` is what the provider says that it took, if it says so."""

    code: ClassVar[str] = "failed"
    """For events, metrics and spans."""
    is_fault: ClassVar[bool] = True
    """Whether a run of them opens the model's breaker."""
    is_outage: ClassVar[bool] = True
    """Whether the request would be answered once it is over."""
    is_billed: ClassVar[bool] = True
    """Whether the provider may ask money for it."""

    def __init__(self, message: str, *, tokens: Tokens | None = None) -> None:
        super().__init__(message)
        self.tokens = tokens


class ThrottledError(ModelError):
    """Too many calls. `retry_after` is for how long, in seconds, the provider wants none."""

    code = "throttled"
    is_fault = False
    is_billed = False

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class UnavailableError(ModelError):
    """The provider is down, cannot be reached, or failed before it said anything."""

    code = "unavailable"
    is_billed = False


class DeniedError(UnavailableError):
    """The provider refuses: credentials, rights, or a model or guardrail that it does not know."""

    code = "denied"


class UnknownProviderError(DeniedError):
    """A release names a provider that the settings do not have."""

    def __init__(self, provider: str, known: Iterable[str]) -> None:
        super().__init__(
            f"the release names provider {provider!r}, which GLIDESLOPE_PROVIDERS does "
            f"not have (it has {', '.join(sorted(known)) or 'none'}): add it there"
        )


class BrokenOffError(ModelError):
    """The connection ended, or the provider failed, in the middle of an answer."""

    code = "broken_off"


class TimedOutError(ModelError):
    """The whole answer was not there in time."""

    code = "timed_out"


class StalledError(TimedOutError):
    """No token came for longer than a model may be silent."""

    code = "stalled"

    def __init__(self, seconds: float) -> None:
        super().__init__(
            f"no token for {seconds:g} s: if the model needs longer to begin, raise "
            "GLIDESLOPE_MODEL_SILENCE_SECONDS"
        )


class MalformedError(ModelError):
    """Something answers that does not speak the provider's protocol."""

    code = "malformed"


class EmptyError(ModelError):
    """The answer has no text."""

    code = "empty"
    is_outage = False


class UnusableError(ModelError):
    """The answer holds no claims with citations, however read."""

    code = "unusable"
    is_outage = False


class RejectedError(ModelError):
    """The provider says that the request is wrong; it would say so again."""

    code = "rejected"
    is_fault = False
    is_outage = False
    is_billed = False


class ContextTooLongError(RejectedError):
    """Question and passages are more than the model takes."""

    code = "context_too_long"


class ContentFilteredError(ModelError):
    """A content filter stopped question or answer. Asking another model would go round it."""

    code = "content_filtered"
    is_fault = False
    is_outage = False


class OverBudgetError(ModelError):
    """What the tenant may spend today under the release does not cover the call."""

    code = "over_budget"
    is_fault = False
    is_outage = False
    is_billed = False


class DeadlineError(ModelError):
    """The asker's deadline came before the answer. The model was not too slow, it had no time."""

    code = "deadline"
    is_fault = False
    is_outage = False
