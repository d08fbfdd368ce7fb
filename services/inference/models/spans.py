"""What a span says of a call: OpenTelemetry's conventions for generative AI, v1.41.1."""

from typing import Final

from services.inference.models.model import Call, Completion

CHAT: Final = "chat"


def call_attributes(system: str, call: Call) -> dict[str, str | int | float]:
    """Return what is known of a call before it is made."""
    told: dict[str, str | int | float] = {
        "gen_ai.operation.name": CHAT,
        "gen_ai.provider.name": system,
        "gen_ai.request.model": call.model,
        "gen_ai.request.max_tokens": call.max_output_tokens,
    }
    if call.temperature is not None:
        told["gen_ai.request.temperature"] = call.temperature
    return told


def answer_attributes(completion: Completion, call: Call) -> dict[str, str | int | list[str]]:
    """Return what is added once the model has answered."""
    told: dict[str, str | int | list[str]] = {
        "gen_ai.response.model": completion.model or call.model,
        "gen_ai.usage.input_tokens": completion.tokens.input,
        "gen_ai.usage.output_tokens": completion.tokens.output,
    }
    if completion.reason is not None:
        told["gen_ai.response.finish_reasons"] = [completion.reason]
    return told
