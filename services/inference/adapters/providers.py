"""The providers that the settings name, opened together."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

from services.inference.adapters.bedrock import Bedrock
from services.inference.adapters.openai import OpenAI
from services.inference.models.limits import Limited
from services.inference.providers import BedrockProvider, ProviderSettings


class Providers:
    """Every provider of GLIDESLOPE_PROVIDERS, each held to its limits.

    `silence` is for how many seconds no token may come, `seconds` how many a call may take, and
    `patience` how many it waits for a place.
    """

    def __init__(
        self,
        settings: Mapping[str, ProviderSettings],
        *,
        silence: float,
        seconds: float,
        patience: float,
    ) -> None:
        self.adapters = {
            name: adapter(told, silence if told.stream else seconds)
            for name, told in settings.items()
        }
        """By the names that releases use, without limits."""
        self.limited = {
            name: Limited(
                self.adapters[name],
                name,
                concurrency=told.concurrency,
                per_minute=told.requests_per_minute,
                patience=patience,
            )
            for name, told in settings.items()
        }
        """By the names that releases use."""

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Hold all their connections while the context is open."""
        async with AsyncExitStack() as stack:
            for each in self.adapters.values():
                await stack.enter_async_context(each.opened())
            yield


def adapter(settings: ProviderSettings, silence: float) -> Bedrock | OpenAI:
    """Return the adapter for a provider, not open; `silence` is what it takes for a failure."""
    if isinstance(settings, BedrockProvider):
        return Bedrock(settings, silence=silence)
    return OpenAI(settings, silence=silence)
