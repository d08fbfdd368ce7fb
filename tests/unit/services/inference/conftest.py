"""An emulator of model providers, and every adapter pointed at it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import pytest
from botocore.session import get_session
from pydantic import TypeAdapter

from glideslope.emulator.behaviour import Fault, Script
from glideslope.emulator.server import serving
from services.inference.adapters import bedrock
from services.inference.adapters.bedrock import Bedrock
from services.inference.adapters.openai import OpenAI
from services.inference.adapters.providers import adapter
from services.inference.providers import ProviderSettings

SILENCE: Final = 0.4  # seconds, where a test is about it
PATIENCE: Final = 30.0  # in all others: a busy machine is no failure

_session: Final = get_session()

FAULTS: Final[list[tuple[Fault, set[str]]]] = [
    (Fault.THROTTLED, {"throttled"}),
    (Fault.UNAVAILABLE, {"unavailable"}),
    (Fault.DENIED, {"denied"}),
    (Fault.CONTEXT_TOO_LONG, {"context_too_long"}),
    (Fault.DOWN, {"broken_off"}),
    (Fault.MALFORMED, {"malformed"}),
    (Fault.TIMEOUT, {"timed_out", "stalled"}),
]
"""How a call that is never streamed can fail, and the codes of the errors that it may raise."""

KINDS: Final[dict[str, dict[str, Any]]] = {
    "openai": {"kind": "openai", "base_url": "{url}/v1", "api_key": "k"},
    "openai, not streamed": {"kind": "openai", "base_url": "{url}/v1", "stream": False},
    "azure": {"kind": "openai", "base_url": "{url}", "api_version": "2024-10-21", "api_key": "k"},
    "bedrock": {"kind": "bedrock", "endpoint_url": "{url}", "region": "eu-central-1"},
    "bedrock, not streamed": {
        "kind": "bedrock",
        "endpoint_url": "{url}",
        "region": "eu-central-1",
        "stream": False,
    },
}
"""Settings of a provider of each kind, at the emulator's `url`."""


@pytest.fixture
def script() -> Script:
    """What the emulator is told."""
    return Script()


@pytest.fixture
async def emulator(script: Script, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    """The emulator's address; and credentials that it does not look at."""
    # reading botocore's description of the service takes most of a test's time
    monkeypatch.setattr(bedrock, "get_session", lambda: _session)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "emulated")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "emulated")
    async with serving(script) as url:
        yield url


def settings_of(kind: str, url: str, **more: Any) -> ProviderSettings:
    """Return the settings of a provider of that kind at the emulator."""
    told = {
        name: value.format(url=url) if isinstance(value, str) else value
        for name, value in KINDS[kind].items()
    }
    found: ProviderSettings = TypeAdapter(ProviderSettings).validate_python({**told, **more})
    return found


@asynccontextmanager
async def opened(
    kind: str, url: str, *, silence: float = PATIENCE, **more: Any
) -> AsyncIterator[Bedrock | OpenAI]:
    """Open an adapter of that kind at the emulator."""
    made = adapter(settings_of(kind, url, **more), silence)
    async with made.opened():
        yield made
