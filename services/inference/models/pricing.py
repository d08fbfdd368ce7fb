"""What a call costs: the price table of the settings, else that of genai-prices.

genai-prices ships list prices with its release and is asked for nothing over the network; what an
enterprise has agreed with its provider goes into GLIDESLOPE_PRICES.
"""

from collections.abc import Mapping
from typing import Annotated, Final

from genai_prices import Usage, calc_price
from pydantic import BaseModel, ConfigDict, Field

from services.inference.models.model import Tokens

NANO: Final = 1_000_000_000
"""Costs are whole nano-dollars, so that sums are exact."""
_CATALOGUES: Final[Mapping[str, str]] = {
    "aws.bedrock": "aws",
    "azure.ai.openai": "azure",
    "openai": "openai",
}
"""genai-prices' names for providers, by OpenTelemetry's."""


class Price(BaseModel):
    """US dollars for a million tokens read (`input`) and written (`output`)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    input: Annotated[float, Field(ge=0)]
    output: Annotated[float, Field(ge=0)]


class Prices:
    """The prices of all models. `table` has precedence; its keys are as releases name models.

    A key may also name a provider alone: the price of all its models.
    """

    def __init__(self, table: Mapping[str, Price]) -> None:
        self._table = table

    def cost(self, name: str, system: str, tokens: Tokens) -> int | None:
        """Return the nano-dollars for a call of the model `name`, None if its price is unknown."""
        price = self._table.get(name) or self._table.get(name.partition(":")[0])
        if price is not None:
            return round((tokens.input * price.input + tokens.output * price.output) * 1000)
        return _listed(system, name.partition(":")[2], tokens)


def _listed(system: str, model: str, tokens: Tokens) -> int | None:
    """Return what the provider's price list says; it may have steps, so it is asked each time."""
    if system not in _CATALOGUES:
        return None
    usage = Usage(input_tokens=tokens.input, output_tokens=tokens.output)
    try:
        return round(calc_price(usage, model, provider_id=_CATALOGUES[system]).total_price * NANO)
    except LookupError:
        return None
