from services.inference.models.model import Tokens
from services.inference.models.pricing import NANO, Price, Prices

MILLION = Tokens(1_000_000, 1_000_000)


def test_the_settings_price_goes_before_the_list_price() -> None:
    listed = Prices({})
    agreed = Prices({"p:gpt-4o": Price(input=1, output=2)})

    assert agreed.cost("p:gpt-4o", "openai", MILLION) == 3 * NANO
    assert listed.cost("p:gpt-4o", "openai", MILLION) not in {None, 0, 3 * NANO}


def test_a_provider_can_have_one_price_for_all_its_models() -> None:
    prices = Prices({"own": Price(input=0, output=0), "own:large": Price(input=5, output=0)})

    assert prices.cost("own:small", "openai", MILLION) == 0
    assert prices.cost("own:large", "openai", MILLION) == 5 * NANO


def test_bedrocks_regional_and_azures_models_have_list_prices() -> None:
    prices = Prices({})
    claude = "p:eu.anthropic.claude-sonnet-4-5-20250929-v1:0"

    assert (prices.cost(claude, "aws.bedrock", MILLION) or 0) > 0
    assert (prices.cost("p:gpt-4o", "azure.ai.openai", MILLION) or 0) > 0


def test_what_nobody_knows_has_no_price_rather_than_none_to_pay() -> None:
    prices = Prices({})

    assert prices.cost("p:house-model", "openai", MILLION) is None
    assert prices.cost("p:gpt-4o", "vllm", MILLION) is None


def test_a_single_token_costs_something() -> None:
    prices = Prices({"p:m": Price(input=0.25, output=1)})

    assert prices.cost("p:m", "x", Tokens(1, 0)) == 250
    assert prices.cost("p:m", "x", Tokens(0, 1)) == 1000
