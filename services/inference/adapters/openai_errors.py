"""How OpenAI-compatible servers fail, as errors of `services.inference.models.errors`."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import httpx2

from services.inference.adapters.retry_after import seconds_of
from services.inference.models.errors import (
    BrokenOffError,
    ContentFilteredError,
    ContextTooLongError,
    DeniedError,
    ModelError,
    RejectedError,
    ThrottledError,
    TimedOutError,
    UnavailableError,
)

_DENIED: Final = frozenset({401, 403, 404})
_TIMEOUT: Final = 408
_TOO_LARGE: Final = 413
_THROTTLED: Final = 429
_SERVER: Final = 500
_TOO_LONG: Final = ("context length", "context size", "context window", "too long", "n_ctx")
"""How vLLM, llama.cpp and gateways say what OpenAI has the code `context_length_exceeded` for."""


@contextmanager
def translated() -> Iterator[None]:
    """Raise httpx2's errors of transport as a `ModelError`."""
    try:
        yield
    except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.ProxyError) as error:
        raise UnavailableError(
            f"the server cannot be reached ({type(error).__name__}): check `base_url` and the "
            "network"
        ) from error
    except httpx2.UnsupportedProtocol as error:
        raise DeniedError("`base_url` begins with neither http:// nor https://") from error
    except httpx2.TransportError as error:
        raise BrokenOffError(
            f"the connection ended before an answer ({type(error).__name__})"
        ) from error


def of_response(response: httpx2.Response) -> ModelError:
    """Return the error that a response with an error status stands for; its body has been read."""
    status = response.status_code
    code, message = _told(response)
    shown = f"HTTP {status}{f', {code}' if code else ''}"
    if status in _DENIED and code != "content_filter":
        return DeniedError(
            f"the server refuses ({shown}): check the key, `base_url`, and that the model exists"
        )
    if status == _THROTTLED:
        wait = seconds_of(response.headers.get("retry-after"))
        return ThrottledError(f"the server throttles ({shown})", retry_after=wait)
    if status == _TIMEOUT:
        return TimedOutError(f"the model did not answer within the server's own limit ({shown})")
    if status >= _SERVER:
        return UnavailableError(f"the server fails ({shown})")
    return _of_request(status, code, message, shown)


def _of_request(status: int, code: str, message: str, shown: str) -> ModelError:
    """Return the error of a request that this server would refuse again."""
    if code == "content_filter":
        return ContentFilteredError(f"the provider's content filter stopped it ({shown})")
    if (
        status == _TOO_LARGE
        or code == "context_length_exceeded"
        or any(sign in message.lower() for sign in _TOO_LONG)
    ):
        return ContextTooLongError(f"question and passages are too long for the model ({shown})")
    return RejectedError(f"the server does not take the request ({shown})")


def _told(response: httpx2.Response) -> tuple[str, str]:
    """Return the code and message of an error's body, empty where it has none."""
    try:
        told: Any = response.json()
    except ValueError:
        return "", ""
    error = told.get("error", told) if isinstance(told, dict) else {}
    if not isinstance(error, dict):
        return "", str(error)
    return str(error.get("code") or ""), str(error.get("message") or "")
