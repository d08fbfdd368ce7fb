"""Bedrock's errors, and botocore's, as those of `services.inference.models.errors`."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPException
from typing import Any, Final

import urllib3
from botocore.eventstream import ParserError
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    ConnectionError,  # noqa: A004 - botocore's, which is none of Python's
    EventStreamError,
    HTTPClientError,
    NoCredentialsError,
    PartialCredentialsError,
    ReadTimeoutError,
)
from botocore.parsers import ResponseParserError

from services.inference.adapters.retry_after import seconds_of
from services.inference.models.errors import (
    BrokenOffError,
    ContextTooLongError,
    DeniedError,
    MalformedError,
    ModelError,
    RejectedError,
    StalledError,
    ThrottledError,
    TimedOutError,
    UnavailableError,
)

_DENIED: Final = frozenset({401, 403, 404})
_THROTTLED: Final = 429
_SERVER: Final = 500
_TOO_LONG: Final = ("too long", "context length", "maximum number of tokens", "context window")
"""How models on Bedrock say it: a ValidationException has no code for it."""


@contextmanager
def translated(silence: float) -> Iterator[None]:
    """Raise what happens inside as a `ModelError`; other errors are ours, and pass."""
    try:
        yield
    except ClientError as error:
        raise _of_client_error(error) from error
    except ReadTimeoutError as error:
        raise StalledError(silence) from error
    except (NoCredentialsError, PartialCredentialsError) as error:
        raise DeniedError(
            "there are no AWS credentials: give the process a role, or set `assume_role`"
        ) from error
    except ConnectionClosedError as error:
        raise BrokenOffError("Bedrock closed the connection without a reply") from error
    except ResponseParserError as error:
        raise MalformedError("the reply is not what Bedrock's API says") from error
    except (ConnectionError, HTTPClientError) as error:
        raise UnavailableError(
            f"Bedrock cannot be reached ({type(error).__name__}): check `region`, `endpoint_url` "
            "and the network"
        ) from error
    except BotoCoreError as error:
        raise DeniedError(f"botocore refuses the call: {error}") from error


@contextmanager
def translated_in_mid_answer(silence: float) -> Iterator[None]:
    """Raise what happens once an answer has begun as a `ModelError`."""
    try:
        yield
    except ModelError:
        raise
    except (ReadTimeoutError, urllib3.exceptions.ReadTimeoutError) as error:
        raise StalledError(silence) from error
    except ParserError as error:
        raise MalformedError("what comes is no event stream") from error
    except EventStreamError as error:
        raise _of_stream_error(error) from error
    except (BotoCoreError, urllib3.exceptions.HTTPError, HTTPException, OSError) as error:
        raise BrokenOffError(f"the stream broke off ({type(error).__name__})") from error


def _of_client_error(error: ClientError) -> ModelError:
    told: Mapping[str, Any] = error.response.get("ResponseMetadata", {})
    status = int(told.get("HTTPStatusCode", 0))
    code = str(error.response.get("Error", {}).get("Code", status))
    message = str(error.response.get("Error", {}).get("Message", ""))
    if status == _THROTTLED or code.startswith("Throttling"):
        wait = seconds_of(told.get("HTTPHeaders", {}).get("retry-after"))
        return ThrottledError(f"Bedrock throttles ({code})", retry_after=wait)
    if code == "ModelTimeoutException":
        return TimedOutError("the model did not answer within Bedrock's own limit")
    if status in _DENIED:
        return DeniedError(
            f"Bedrock refuses ({code}): check the credentials' rights, and that model and "
            "guardrail exist in the region"
        )
    if status >= _SERVER or code in {"ModelErrorException", "ModelNotReadyException"}:
        return UnavailableError(f"Bedrock fails ({code})")
    return _of_invalid(code, message)


def _of_stream_error(error: EventStreamError) -> ModelError:
    code = str(error.response.get("Error", {}).get("Code", ""))
    if code.startswith("throttling"):
        return ThrottledError(f"Bedrock throttles in mid-answer ({code})")
    if code == "validationException":
        return _of_invalid(code, str(error.response["Error"].get("Message", "")))
    return BrokenOffError(f"Bedrock failed in mid-answer ({code})")


def _of_invalid(code: str, message: str) -> ModelError:
    if any(sign in message.lower() for sign in _TOO_LONG):
        return ContextTooLongError("question and passages are too long for the model")
    return RejectedError(f"Bedrock does not take the request ({code})")
